/** The two pictures of the page, drawn from one video element: the source and the programme. */

import { ProgrammeView } from "./programme_view.js";
import { SourceView } from "./source_view.js";

export class Pictures {
  /**
   * @param {{source: HTMLElement, programme: HTMLElement}} roots empty elements that fill their panels
   * @param {import("./player.js").Player} player
   * @param {any} model
   */
  constructor({ source, programme }, player, model) {
    this.programme = new ProgrammeView(programme, player, model);
    this.source = new SourceView(source, player, model, (crop) => {
      this.programme.pendingCrop = crop;
      this.programme.draw();
    });
  }

  /** Whether face boxes are drawn over the source. */
  get showBoxes() {
    return this.source.showBoxes;
  }

  set showBoxes(value) {
    this.source.showBoxes = value;
  }

  /** Put the keyboard focus on the crop rectangle. */
  focusCrop() {
    this.source.crop.focus();
  }
}
