// The demo's shop: lets one come in as somebody else, by another user agent and memory, before the tag looks.
(() => {
  const guest = JSON.parse(sessionStorage.guest || "null");
  if (guest) {
    const say = (name, value) => Object.defineProperty(navigator, name, { get: () => value, configurable: true });
    say("userAgent", guest.agent);
    say("deviceMemory", Number(guest.memory));
  }
  addEventListener("click", (event) => {
    const chosen = event.target.closest?.("[data-guest]");
    if (!chosen) return;
    sessionStorage.guest = JSON.stringify({ agent: chosen.dataset.agent, memory: chosen.dataset.memory });
    localStorage.removeItem("volano");
  });
  addEventListener("DOMContentLoaded", () => {
    const order = document.querySelector("[data-order]");
    if (order) order.dataset.volanoOrderId = `shop-${crypto.randomUUID()}`;
  });
})();
