// Snowplow's tracker for Node tells of a visit; its application id is the write key.
import { buildPageView, buildSelfDescribingEvent, newTracker } from "@snowplow/node-tracker";

const visit = JSON.parse(process.argv[2]);
const shop = "iglu:com.snowplowanalytics.snowplow.ecommerce";
const entity = (name, data) => ({ schema: `${shop}/${name}/jsonschema/1-0-0`, data });
const action = (type) => buildSelfDescribingEvent({ event: entity("snowplow_ecommerce_action", { type }) });
const product = ({ product_id: id, ...rest }) => entity("product", { id, ...rest });

const { order } = visit;
const tracker = newTracker({ namespace: "shop", appId: visit.write_key }, { endpoint: visit.address });
tracker.setDomainUserId(visit.anonymous_id);
tracker.track(buildPageView({ pageUrl: visit.page.url, pageTitle: visit.page.title }));
tracker.track(action("product_view"), [product(visit.viewed)]);
tracker.setUserId(visit.user_id);
tracker.track(
  buildSelfDescribingEvent({
    event: { schema: "iglu:example.shop/gift_wrapped/jsonschema/1-0-0", data: { gift_note: order.gift_note } },
  }),
);
tracker.track(action("transaction"), [
  entity("transaction", { transaction_id: order.order_id, revenue: order.revenue, currency: order.currency }),
  ...order.products.map(product),
]);
await tracker.flush();
