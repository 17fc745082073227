// npm azure-kusto-data against the address given; what it got, as JSON.
import { Client, KustoConnectionStringBuilder } from 'azure-kusto-data';

const client = new Client(new KustoConnectionStringBuilder(process.argv[2]));
const seen = {};
const answer = await client.execute('db', 'traces | project message, severityLevel | order by message asc');
const table = answer.primaryResults[0];
seen.columns = table.columns.map((column) => [column.name, column.type]);
seen.rows = [...table.rows()].map((row) => [...row.values()]);
const shown = await client.execute('db', '.show tables');
seen.tables = [...shown.primaryResults[0].rows()].map((row) => row.TableName);
try {
  await client.execute('db', 'traces | where nope == 1');
  seen.error = null;
} catch (error) {
  seen.error = JSON.stringify(error.response?.data ?? error.message);
}
const large = await client.execute('db', 'range i from 1 to 100000 step 1');
seen.large = [...large.primaryResults[0].rows()].length;
console.log(JSON.stringify(seen));
