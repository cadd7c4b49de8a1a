// RudderStack's client for Node tells of a visit.
import RudderAnalytics from "@rudderstack/rudder-sdk-node";
import { tell, visit } from "./shaped.js";

const client = new RudderAnalytics(visit.write_key, { dataPlaneUrl: visit.address, flushInterval: 100 });
tell(client);
await client.flush();
