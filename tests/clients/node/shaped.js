// The calls of a client whose interface is Segment's.

export const visit = JSON.parse(process.argv[2]);

export function tell(client) {
  const { anonymous_id: anonymousId, user_id: userId, till_id: previousId } = visit;
  client.page({ anonymousId, name: "Sale", properties: visit.page, context: { page: visit.page } });
  client.track({ anonymousId, event: "Product Viewed", properties: visit.viewed });
  client.track({ anonymousId: previousId, event: "Product Added", properties: visit.viewed });
  client.identify({ anonymousId, userId, traits: visit.traits });
  client.alias({ userId, previousId });
  client.group({ userId, groupId: visit.group_id, traits: { name: "Mondklub" } });
  client.track({ userId, event: "Order Completed", properties: visit.order });
}
