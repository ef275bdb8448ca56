/** A canvas that fills an element, with one pixel of its own for each pixel of the screen. */

/**
 * Call back with the size of `element` in pixels of the screen, now and whenever it changes.
 * @param {HTMLElement} element
 * @param {(width: number, height: number, ratio: number) => void} onSize ratio is screen pixels per
 *   CSS pixel
 */
export function watchSize(element, onSize) {
  const observer = new ResizeObserver(([entry]) => {
    const ratio = window.devicePixelRatio || 1;
    const rounded = [entry.contentRect.width, entry.contentRect.height].map((side) =>
      Math.round(side * ratio),
    );
    const box = entry.devicePixelContentBoxSize?.[0];
    // where a browser only pretends to another screen, the box is that of the real one
    const isExact = box && Math.abs(box.inlineSize - rounded[0]) <= 1;
    onSize(...(isExact ? [box.inlineSize, box.blockSize] : rounded), ratio);
  });
  try {
    observer.observe(element, { box: "device-pixel-content-box" });
  } catch {
    observer.observe(element); // Safari has no such box
  }
}

/**
 * Set a canvas's size in pixels of the screen, which clears it; true if it has changed.
 * @param {HTMLCanvasElement} canvas
 */
export function resize(canvas, width, height) {
  if (canvas.width === width && canvas.height === height) return false;
  canvas.width = width;
  canvas.height = height;
  return true;
}

/** The largest [left, top, width, height] of an aspect inside a size, in whole pixels. */
export function fitInside(aspect, width, height) {
  const [w, h] = width / height > aspect ? [height * aspect, height] : [width, width / aspect];
  const [across, down] = [Math.max(1, Math.round(w)), Math.max(1, Math.round(h))];
  return [Math.floor((width - across) / 2), Math.floor((height - down) / 2), across, down];
}

/**
 * Run `draw` once before the next frame of the screen, however often it is asked for.
 * @param {() => void} draw
 * @returns {() => void}
 */
export function oncePerFrame(draw) {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      draw();
    });
  };
}
