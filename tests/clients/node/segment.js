// Segment's client for Node tells of a visit.
import { Analytics } from "@segment/analytics-node";
import { tell, visit } from "./shaped.js";

const client = new Analytics({ writeKey: visit.write_key, host: visit.address });
client.on("error", (error) => { throw new Error(JSON.stringify(error)); });
tell(client);
await client.closeAndFlush();
