window.volano = [["track", "Early Bird", { a: 1 }]];
window.violations = [];
addEventListener("securitypolicyviolation", event => violations.push(event.violatedDirective));
window.moved = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) moved += entry.value;
}).observe({ type: "layout-shift", buffered: true });
