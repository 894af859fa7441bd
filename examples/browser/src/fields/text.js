// Fields of one value: texts, numbers, words.

import { h } from "../dom.js";
import { labelled } from "./label.js";

/** Which keys a phone shows. */
const KEYBOARDS = { email: "email", uri: "url" };

export function text(told) {
  const { schema, optional, example } = told;
  const whole = schema.type === "integer";
  const common = { spellcheck: "false", autocapitalize: "none", placeholder: schema.examples?.[0] ?? example };
  const input = schema.contentMediaType
    ? h("textarea", { ...common, rows: 2 })
    : h("input", { ...common, type: schema["x-secret"] ? "password" : "text", inputmode: whole ? "numeric" : KEYBOARDS[schema.format] });
  return {
    ...labelled(told, input),
    read() {
      if (input.value === "" && optional) return undefined;
      // What is no number is refused as what it is.
      return whole && /^-?\d+$/.test(input.value) ? Number(input.value) : input.value;
    },
    write: (value) => (input.value = value ?? ""),
  };
}

/** One of some values. */
export function select(told, values) {
  const none = told.optional ? [h("option", { value: "" }, "none")] : [];
  const options = values.map(({ label }, index) => h("option", { value: index }, label));
  const control = h("select", {}, none, options);
  return {
    ...labelled(told, control),
    read: () => values[control.value]?.value,
    write(value) {
      const index = values.findIndex((one) => one.value === value);
      control.value = index < 0 && told.optional ? "" : Math.max(index, 0);
    },
  };
}
