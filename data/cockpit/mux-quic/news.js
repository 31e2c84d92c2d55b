/* Says aloud, to who listens to the page instead of looking at it, what came, went or changed. Much at once is said as a number:
 * a thousand clients that come back after an outage are one sentence. */
import { setText } from "./dom.js";
import { _, count, format, ngettext } from "./text.js";

const GATHER_MS = 1500;
const MOST = 3;

export class News {
  #node;
  #waiting = [];
  #timer = 0;

  constructor(node) {
    this.#node = node;
  }

  tell(sentence) {
    this.#waiting.push(sentence);
    this.#timer ||= window.setTimeout(() => this.#say(), GATHER_MS);
  }

  #say() {
    const said = this.#waiting.splice(0);

    this.#timer = 0;
    setText(this.#node, said.length <= MOST ? said.join(" ")
      : format(ngettext("$0 session changed.", "$0 sessions changed.", said.length), count(said.length)));
  }
}
