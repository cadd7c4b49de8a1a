// PostHog's client for Node tells of a visit.
import { PostHog } from "posthog-node";

const visit = JSON.parse(process.argv[2]);
const { anonymous_id: anonymous, user_id: user } = visit;
const seen = { $current_url: visit.page.url, $pathname: visit.page.path };
const client = new PostHog(visit.write_key, { host: visit.address });
client.on("error", (error) => { throw error; });
client.capture({ distinctId: anonymous, event: "$pageview", properties: seen });
client.capture({ distinctId: anonymous, event: "Product Viewed", properties: visit.viewed });
client.alias({ distinctId: user, alias: anonymous });
client.identify({ distinctId: user, properties: visit.traits });
client.groupIdentify({ groupType: "club", groupKey: visit.group_id, properties: { name: "Mondklub" }, distinctId: user });
client.capture({ distinctId: user, event: "Order Completed", properties: visit.order });
await client.shutdown();
