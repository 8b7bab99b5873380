/** The page begins. */
import { options, render } from "preact";
import { App } from "./app.js";
import { leaveCompositionAlone } from "./composition.js";
import { english } from "./texts-en.js";
import { spanish } from "./texts-es.js";

// once per frame, however much comes in between; a hidden page has no frames
options.debounceRendering = (draw) => {
  if (document.hidden) setTimeout(draw);
  else requestAnimationFrame(draw);
};

leaveCompositionAlone();
// the first of the browser's languages that there is, or English
const language = navigator.languages
  .map((each) => each.slice(0, 2))
  .find((each) => /^(?:en|es)$/.test(each));
const texts = language === "es" ? spanish : english;
document.documentElement.lang = texts.locale;
render(<App t={texts} />, document.getElementById("root")!);
