// Modules of this page made one, with the components inside.

import { build } from "esbuild";

/** The script or style that starts in this file. `define` has the constants that are known when it is built. */
export async function bundle(entry, define = {}) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    loader: { ".gz": "binary" },
    define,
    write: false,
  });
  return outputFiles[0].text;
}
