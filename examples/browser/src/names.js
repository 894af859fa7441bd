// Names of the contract as other languages write them.

export const camel = (name) => name.replace(/-([a-z0-9])/g, (_, letter) => letter.toUpperCase());
export const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
export const snake = (name) => name.replaceAll("-", "_");
export const pascal = (name) => camel(`-${name}`);
