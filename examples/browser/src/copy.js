// Copying to the clipboard, and saying so.

/** Makes this button copy a text. Where the browser has no clipboard for the page, the text is selected and copied. */
export function copies(button, text) {
  const { textContent: label } = button;
  button.addEventListener("click", async () => {
    const copied = await copy(text());
    button.textContent = copied ? "Copied" : "Cannot copy";
    setTimeout(() => (button.textContent = label), 2_000);
  });
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}
