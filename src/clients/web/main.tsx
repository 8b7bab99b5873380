/** The page begins. */
import { options, render } from "preact";
import { App } from "./app.js";
import { textsFor } from "./texts.js";

// once per frame, however much comes in between; a hidden page has no frames
options.debounceRendering = (draw) => {
  if (document.hidden) setTimeout(draw);
  else requestAnimationFrame(draw);
};

const texts = await textsFor(navigator.languages);
document.documentElement.lang = texts.locale;
render(<App t={texts} />, document.getElementById("root")!);
