// The calls of a browser client whose interface is Segment's; what has to wait for an answer, waits.

async function tell(client) {
  await client.page("Sale");
  await client.track("Product Viewed", visit.viewed);
  await client.identify(visit.user_id, visit.traits);
  await client.group(visit.group_id, { name: "Mondklub" });
  await client.alias(visit.user_id, visit.till_id);
  await client.track("Order Completed", visit.order);
}
