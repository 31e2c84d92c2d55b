/* Asks before something is done that cannot be undone. The dialog is the browser's own modal one: it keeps the focus inside,
 * closes by Escape, and gives the focus back to where it came from. The safe answer has the focus. */
import { element } from "./dom.js";
import { _ } from "./text.js";

/* title: a question; lines: what will happen, a sentence each; action: what the button says; perform: does it, and rejects with
 * what went wrong, which is shown. Resolves when the dialog has gone, to whether it was done. */
export function confirm({ title, lines, action, perform }) {
  const heading = element("h2", { id: "dialog-title", textContent: title });
  const story = element("div", { id: "dialog-story" }, ...lines.map(line => element("p", { textContent: line })));
  const problem = element("p", { className: "problem", role: "alert" });
  const cancel = element("button", { type: "button", className: "button", textContent: _("Cancel"), autofocus: true });
  const go = element("button", { type: "button", className: "button danger", textContent: action });
  const dialog = element("dialog", {
    "className": "dialog", "aria-labelledby": "dialog-title", "aria-describedby": "dialog-story",
  }, heading, story, problem, element("div", { className: "buttons" }, cancel, go));
  let done = false;
  let busy = false;

  document.body.append(dialog);
  cancel.addEventListener("click", () => dialog.close());
  dialog.addEventListener("cancel", event => busy && event.preventDefault());
  go.addEventListener("click", async () => {
    if (busy)
      return;
    busy = cancel.disabled = true;
    go.setAttribute("aria-disabled", "true");
    problem.textContent = "";
    try {
      await perform();
      done = true;
      dialog.close();
    } catch (error) {
      problem.textContent = cockpit.message(error);
    } finally {
      busy = cancel.disabled = false;
      go.removeAttribute("aria-disabled");
    }
  });
  return new Promise(resolve => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(done);
    });
    dialog.showModal();
  });
}
