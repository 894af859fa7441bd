//! What a person must have in the end, by what the person has said and when.

/// What somebody has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// To join the list that an opt-out leaves.
    Joins,
    /// To join it, and to get marketing by WhatsApp.
    Consents,
    /// To join the other list, and to get marketing by WhatsApp and text messages.
    Reads,
    /// No more marketing by WhatsApp.
    Out,
    /// As it was before.
    Back,
}

/// A word, and its time in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) word: Word,
    pub(super) at: i64,
}

impl Said {
    /// A word of this second, which is all that WhatsApp tells: an opt-out counts from its end.
    pub(super) fn in_second(word: Word, second: i64) -> Self {
        Self { word, at: 1_000 * second + if word == Word::Out { 999 } else { 0 } }
    }

    /// Whether another word, if that is done or answered first, leaves this one without an answer.
    pub(super) fn can_be_overtaken_by(&self, other: &Self) -> bool {
        match (self.word == Word::Out, other.word == Word::Out) {
            (true, true) | (false, false) => false,
            (true, false) => other.at > self.at,
            (false, true) => other.at >= self.at,
        }
    }
}

/// What somebody has in Klaviyo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) is_on_list: bool,
    pub(super) is_on_other: bool,
    pub(super) whatsapp: bool,
    pub(super) sms: bool,
}

/// What somebody who has said this must have, in whatever order it arrived.
pub(super) fn standing(said: &[Said]) -> Standing {
    let mut said = said.to_vec();
    // Of equal times the opt-out stands.
    said.sort_by_key(|said| (said.at, said.word == Word::Out));
    let (mut has, mut taken) = (Standing::default(), Standing::default());
    for Said { word, .. } in said {
        match word {
            Word::Joins => has.is_on_list = true,
            Word::Consents => (has.is_on_list, has.whatsapp) = (true, true),
            Word::Reads => (has.is_on_other, has.whatsapp, has.sms) = (true, true, true),
            Word::Out => {
                taken.is_on_list |= std::mem::take(&mut has.is_on_list);
                taken.whatsapp |= std::mem::take(&mut has.whatsapp);
            }
            Word::Back => {
                has.is_on_list |= std::mem::take(&mut taken.is_on_list);
                has.whatsapp |= std::mem::take(&mut taken.whatsapp);
            }
        }
    }
    has
}

#[cfg(test)]
mod tests {
    use super::Word::{Back, Consents, Joins, Out, Reads};
    use super::*;

    fn after(words: &[(Word, i64)]) -> Standing {
        let said: Vec<Said> = words.iter().map(|(word, second)| Said::in_second(*word, *second)).collect();
        standing(&said)
    }

    #[test]
    fn a_later_word_of_the_other_kind_can_overtake_one() {
        let said = |word, at| Said { word, at };
        for (one, other, can) in [
            (said(Joins, 1), said(Out, 2), true),
            (said(Back, 1), said(Out, 1), true),
            (said(Joins, 2), said(Out, 1), false),
            (said(Out, 1), said(Back, 2), true),
            (said(Out, 1), said(Consents, 1), false),
            (said(Out, 1), said(Out, 2), false),
            (said(Joins, 1), said(Back, 2), false),
        ] {
            assert_eq!(one.can_be_overtaken_by(&other), can, "{one:?} {other:?}");
        }
    }

    #[test]
    fn the_last_word_stands_and_a_resume_gives_back_what_was_taken() {
        let nothing = Standing::default();
        let (list, all) = (
            Standing { is_on_list: true, ..nothing },
            Standing { is_on_list: true, whatsapp: true, ..nothing },
        );
        for (words, expected) in [
            (&[(Joins, 1)][..], list),
            (&[(Consents, 1)], all),
            (&[(Out, 2), (Consents, 1)], nothing),
            (&[(Consents, 1), (Out, 1)], nothing),
            (&[(Consents, 1), (Out, 1), (Back, 1)], nothing),
            (&[(Consents, 1), (Back, 3), (Out, 2)], all),
            (&[(Joins, 1), (Out, 2), (Back, 3)], list),
            (&[(Out, 1), (Back, 2)], nothing),
            (&[(Consents, 1), (Out, 2), (Out, 3), (Back, 4)], all),
            (&[(Consents, 1), (Out, 2), (Joins, 3), (Out, 4), (Back, 5), (Back, 6)], all),
            (&[(Consents, 1), (Out, 2), (Back, 3), (Out, 4)], nothing),
            (&[(Reads, 1), (Out, 2)], Standing { is_on_other: true, sms: true, ..nothing }),
        ] {
            assert_eq!(after(words), expected, "{words:?}");
        }
    }
}
