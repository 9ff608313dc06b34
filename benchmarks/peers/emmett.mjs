// One client of benchmarks/append.py that appends with Emmett: `node emmett.mjs URL SECONDS BATCH`.
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { getPostgreSQLEventStore } from "@event-driven-io/emmett-postgresql";

const [url, seconds, batch] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const data = {
  value: "1250.00",
  currency: "USD",
  sender_company_uuid: "7c9e6679-7425-40de-944b-e07fc1f90ae7",
  receiver_company_uuid: "0b9f1f3c-58cc-4372-a567-0e02b2c3d479",
  reference: "invoice 2026-000123",
};
const store = getPostgreSQLEventStore(url, { schema: { autoMigration: "None" } });
const append = () =>
  store.appendToStream(
    `asset-${randomUUID()}`,
    Array.from({ length: batch }, () => ({ type: "AssetRegistered", data })),
    { expectedStreamVersion: "STREAM_DOES_NOT_EXIST" },
  );

if (seconds === 0) {
  await getPostgreSQLEventStore(url).schema.migrate();
  process.exit(0);
}
for (let warm = 0; warm < 20; warm++) await append();
console.log("ready");
for await (const _ of createInterface({ input: process.stdin })) break;
const began = performance.now();
let done = 0;
while (performance.now() - began < seconds * 1000) {
  await append();
  done += batch;
}
console.log(done / ((performance.now() - began) / 1000));
process.exit(0);
