/** The entry of the page. */
import { render } from "preact";
import { App } from "./app.js";
import { takeToken } from "./proof.js";
import { renderPerFrame } from "./render.js";
import { ignoreCompositionKeys } from "./composition.js";
import { english } from "./texts-en.js";
import { spanish } from "./texts-es.js";

takeToken();
renderPerFrame();
ignoreCompositionKeys();
// the first of the browser's languages that we have, or English
const language = navigator.languages
  .map((each) => each.slice(0, 2))
  .find((each) => /^(?:en|es)$/.test(each));
const texts = language === "es" ? spanish : english;
document.documentElement.lang = texts.locale;
render(<App t={texts} />, document.getElementById("root")!);
