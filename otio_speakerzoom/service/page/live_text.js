/** Text that screen readers say when it changes, and that nobody sees. */

/** Milliseconds without a change until it is said: a movement has many steps. */
const PAUSE_MS = 300;

/**
 * @param {HTMLElement} root
 * @returns {(text: string) => void}
 */
export function liveText(root) {
  const element = document.createElement("p");
  element.className = "live-text";
  element.setAttribute("role", "status");
  root.append(element);
  let timer = 0;
  return (text) => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      element.textContent = text;
    }, PAUSE_MS);
  };
}
