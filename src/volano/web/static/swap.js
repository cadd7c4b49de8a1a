// Swaps fragments of a page where that helps; everything works without it.
(d => {
const $ = (s, in_ = d) => in_.querySelectorAll(s), last = {};
const put = (at, html) => { if (last[at.id] != html) { last[at.id] = html; at.innerHTML = html; tell(at) } };
const tell = at => {
  const said = d.getElementById("said"), now = $("h1", at)[0]?.textContent;
  if (now && said.textContent != now) said.textContent = now;
};
const busy = at => d.hidden || at.contains(d.activeElement) || $("details[open]", at)[0];
let tick = 0;
setInterval(() => ++tick && $("[data-poll]").forEach(async at => {
  if (busy(at) || tick % (at.dataset.every || 5)) return;
  const got = await fetch(at.dataset.poll).catch(() => 0);
  if (got.ok && !got.redirected && !busy(at)) put(at, await got.text());
}), 1e3);
d.addEventListener("click", ({ target }) => {
  const at = target.closest("[data-show],[data-copy]"), field = at && at.previousElementSibling;
  if (!at) return;
  if ("copy" in at.dataset) navigator.clipboard?.writeText(field.textContent).then(() => (at.textContent = "Copied"));
  else at.setAttribute("aria-pressed", (field.type = field.type == "text" ? "password" : "text") == "text");
});
const show = form => $("[data-preview]", form).forEach(at => {
  const say = name => (form.elements[name + at.dataset.preview] || {}).value || "", content = {};
  for (const name of ["headline", "body", "button", "href", "coupon"]) content[name] = say(name);
  content.choices = say("choices").split("\n").filter(line => line.trim());
  window.volano?.preview?.(at, { format: form.elements.format.value, content });
});
$("form[data-live]").forEach(form => {
  addEventListener("load", () => show(form));
  form.addEventListener("input", () => show(form));
});
$("[data-js]").forEach(at => (at.hidden = false));
})(document);
