/* host/template.c -- see template.h. SPDX-License-Identifier: MIT */
#include "host/template.h"

#include <ctype.h>
#include <strings.h>

const char ml_text_requirements[] =
    "# Telemetry with OpenTelemetry is optional: to send it to Azure Monitor, uncomment the line\n"
    "# azure-monitor-opentelemetry\n"
    "# and follow https://aka.ms/functions-azure-monitor-python\n"
    "\n"
    "azure-functions\n";

const char ml_text_function_app[] = "import azure.functions as func\n"
                                    "import datetime\n"
                                    "import json\n"
                                    "import logging\n"
                                    "\n"
                                    "app = func.FunctionApp()\n";

const char ml_text_getting_started[] =
    "# Getting started\n"
    "\n"
    "Each folder with a `function.json` is a function: `function.json` says what starts it and "
    "what it\n"
    "gives back, `__init__.py` holds its code, a function named `main`.\n"
    "\n"
    "| file | what it is |\n"
    "|---|---|\n"
    "| `host.json` | settings of the host, for every function of the app |\n"
    "| `local.settings.json` | settings for this machine only; not to be committed |\n"
    "| `requirements.txt` | the packages that the app needs |\n"
    "\n"
    "    python3 -m venv .venv && . .venv/bin/activate\n"
    "    pip install -r requirements.txt\n"
    "    func new -t HttpTrigger -n Hello\n"
    "    func start\n"
    "\n"
    "Then open http://localhost:7071/api/Hello?name=World.\n";

const char ml_text_gitignore[] =
    "# Build output and editors\n"
    "bin/\nobj\n.vs\n*.user\nnode_modules\ndist\n"
    "\n"
    "# Settings of this machine\n"
    "local.settings.json\n.memline/\n"
    "\n"
    "# Python\n"
    ".python_packages/\n.env\n.venv\nenv/\nvenv/\nENV/\n__pycache__/\n*.py[cod]\n*$py.class\n"
    "\n"
    "# Azurite\n"
    "__blobstorage__\n__queuestorage__\n__tablestorage__\n__azurite_db*__.json\nAzuriteConfig\n";

#define HOST_JSON_HEAD                         \
    "{\n"                                      \
    "  \"version\": \"2.0\",\n"                \
    "  \"logging\": {\n"                       \
    "    \"applicationInsights\": {\n"         \
    "      \"samplingSettings\": {\n"          \
    "        \"isEnabled\": true,\n"           \
    "        \"excludedTypes\": \"Request\"\n" \
    "      }\n"                                \
    "    }\n"                                  \
    "  }"

const char ml_text_host_json[] = HOST_JSON_HEAD "\n}\n";

const char ml_text_host_json_bundle[] = HOST_JSON_HEAD
    ",\n"
    "  \"extensionBundle\": {\n"
    "    \"id\": \"Microsoft.Azure.Functions.ExtensionBundle$NAME\",\n"
    "    \"version\": \"[4.*, 5.0.0)\"\n"
    "  }\n}\n";

const char ml_text_local_settings[] =
    "{\n"
    "  \"IsEncrypted\": false,\n"
    "  \"Values\": {\n"
    "    \"FUNCTIONS_WORKER_RUNTIME\": \"python\",\n"
    "    \"AzureWebJobsStorage\": \"UseDevelopmentStorage=true\"\n"
    "  }\n"
    "}\n";

const char ml_text_extensions[] = "{\n"
                                  "    \"recommendations\": [\n"
                                  "        \"ms-azuretools.vscode-azurefunctions\"\n"
                                  "    ]\n"
                                  "}\n";

const char ml_text_dockerfile[] = "FROM mcr.microsoft.com/azure-functions/python:4-python3.11\n"
                                  "\n"
                                  "ENV AzureWebJobsScriptRoot=/home/site/wwwroot \\\n"
                                  "    AzureFunctionsJobHost__Logging__Console__IsEnabled=true\n"
                                  "\n"
                                  "COPY requirements.txt /\n"
                                  "RUN pip install -r /requirements.txt\n"
                                  "\n"
                                  "COPY . /home/site/wwwroot\n";

/* -- triggers ------------------------------------------------------------------------------------ */

#define HTTP_BODY                                                                          \
    "    logging.info('Python HTTP trigger function processed a request.')\n"              \
    "\n"                                                                                   \
    "    name = req.params.get('name')\n"                                                  \
    "    if not name:\n"                                                                   \
    "        try:\n"                                                                       \
    "            name = req.get_json().get('name')\n"                                      \
    "        except (ValueError, AttributeError):\n"                                       \
    "            name = None\n"                                                            \
    "\n"                                                                                   \
    "    if name:\n"                                                                       \
    "        return func.HttpResponse(\n"                                                  \
    "            f'Hello, {name}. This HTTP triggered function executed successfully.')\n" \
    "    return func.HttpResponse(\n"                                                      \
    "        'This HTTP triggered function executed successfully. '\n"                     \
    "        'Pass a name in the query string or in the request body '\n"                  \
    "        'for a personalized response.',\n"                                            \
    "        status_code=200)\n"

#define V1_IMPORTS "import logging\n\nimport azure.functions as func\n\n\n"

#define JSON_BINDING(type, name, rest)       \
    "    {\n"                                \
    "      \"type\": \"" type "\",\n"        \
    "      \"direction\": \"in\",\n"         \
    "      \"name\": \"" name "\"" rest "\n" \
    "    }"

const struct ml_trigger_template ml_trigger_templates[] = {
    {.name = "HTTP trigger",
     .classic = "HttpTrigger",
     .fallback = "http_trigger",
     .http = true,
     .runs_here = true,
     .v1_json = "    {\n"
                "      \"authLevel\": \"$LEVEL\",\n"
                "      \"type\": \"httpTrigger\",\n"
                "      \"direction\": \"in\",\n"
                "      \"name\": \"req\",\n"
                "      \"methods\": [\n"
                "        \"get\",\n"
                "        \"post\"\n"
                "      ]\n"
                "    },\n"
                "    {\n"
                "      \"type\": \"http\",\n"
                "      \"direction\": \"out\",\n"
                "      \"name\": \"$return\"\n"
                "    }",
     .v1_code = V1_IMPORTS "def main(req: func.HttpRequest) -> func.HttpResponse:\n" HTTP_BODY,
     .v2_code = "@$VAR.route(route=\"$NAME\", auth_level=func.AuthLevel.$LEVEL)\n"
                "def $NAME(req: func.HttpRequest) -> func.HttpResponse:\n" HTTP_BODY},
    {.name = "Timer Trigger",
     .classic = "TimerTrigger",
     .fallback = "timer_trigger",
     .runs_here = true,
     .v1_json = JSON_BINDING("timerTrigger", "mytimer", ",\n      \"schedule\": \"0 */5 * * * *\""),
     .v1_code = V1_IMPORTS "def main(mytimer: func.TimerRequest) -> None:\n"
                           "    if mytimer.past_due:\n"
                           "        logging.info('The timer is past due!')\n"
                           "\n"
                           "    logging.info('Python timer trigger function executed.')\n",
     .v2_code =
         "@$VAR.schedule(schedule=\"0 */5 * * * *\", arg_name=\"myTimer\", run_on_startup=True,\n"
         "              use_monitor=False)\n"
         "def $NAME(myTimer: func.TimerRequest) -> None:\n"
         "    if myTimer.past_due:\n"
         "        logging.info('The timer is past due!')\n"
         "\n"
         "    logging.info('Python timer trigger function executed.')\n"},
    {.name = "Queue trigger",
     .classic = "QueueTrigger",
     .fallback = "queue_trigger",
     .runs_here = true,
     .v1_json = JSON_BINDING("queueTrigger", "msg",
                             ",\n      \"queueName\": \"python-queue-items\",\n"
                             "      \"connection\": \"AzureWebJobsStorage\""),
     .v1_code = V1_IMPORTS
     "def main(msg: func.QueueMessage) -> None:\n"
     "    logging.info('Python queue trigger function processed a queue item: %s',\n"
     "                 msg.get_body().decode('utf-8'))\n",
     .v2_code = "@$VAR.queue_trigger(arg_name=\"azqueue\", queue_name=\"myqueue\",\n"
                "                   connection=\"AzureWebJobsStorage\")\n"
                "def $NAME(azqueue: func.QueueMessage):\n"
                "    logging.info('Python Queue trigger processed a message: %s',\n"
                "                 azqueue.get_body().decode('utf-8'))\n"},
    {.name = "Blob trigger",
     .classic = "BlobTrigger",
     .fallback = "blob_trigger",
     .runs_here = true,
     .v1_json = JSON_BINDING("blobTrigger", "myblob",
                             ",\n      \"path\": \"samples-workitems/{name}\",\n"
                             "      \"connection\": \"AzureWebJobsStorage\""),
     .v1_code = V1_IMPORTS
     "def main(myblob: func.InputStream) -> None:\n"
     "    logging.info('Python blob trigger function processed blob %s (%s bytes)',\n"
     "                 myblob.name, myblob.length)\n",
     .v2_code = "@$VAR.blob_trigger(arg_name=\"myblob\", path=\"mycontainer/{name}\",\n"
                "                  connection=\"AzureWebJobsStorage\")\n"
                "def $NAME(myblob: func.InputStream):\n"
                "    logging.info('Python blob trigger function processed blob %s (%s bytes)',\n"
                "                 myblob.name, myblob.length)\n"},
    {.name = "EventGrid",
     .classic = "EventGridTrigger",
     .fallback = "eventgrid_trigger",
     .v1_json = JSON_BINDING("eventGridTrigger", "event", ""),
     .v1_code = V1_IMPORTS "def main(event: func.EventGridEvent) -> None:\n"
                           "    logging.info('Python EventGrid trigger processed an event: %s',\n"
                           "                 event.get_json())\n",
     .v2_code = "@$VAR.event_grid_trigger(arg_name=\"azeventgrid\")\n"
                "def $NAME(azeventgrid: func.EventGridEvent):\n"
                "    logging.info('Python EventGrid trigger processed an event')\n"},
    {.name = "EventHub",
     .classic = "EventHubTrigger",
     .fallback = "eventhub_trigger",
     .v1_json = JSON_BINDING("eventHubTrigger", "event",
                             ",\n      \"eventHubName\": \"myeventhub\",\n"
                             "      \"connection\": \"\",\n"
                             "      \"cardinality\": \"one\""),
     .v1_code = V1_IMPORTS "def main(event: func.EventHubEvent) -> None:\n"
                           "    logging.info('Python EventHub trigger processed an event: %s',\n"
                           "                 event.get_body().decode('utf-8'))\n",
     .v2_code =
         "@$VAR.event_hub_message_trigger(arg_name=\"azeventhub\", event_hub_name=\"myeventhub\",\n"
         "                               connection=\"EventHubConnectionString\")\n"
         "def $NAME(azeventhub: func.EventHubEvent):\n"
         "    logging.info('Python EventHub trigger processed an event: %s',\n"
         "                 azeventhub.get_body().decode('utf-8'))\n"},
    {.name = "ServiceBus Queue",
     .classic = "ServiceBusQueueTrigger",
     .fallback = "servicebus_queue_trigger",
     .v1_json = JSON_BINDING("serviceBusTrigger", "msg",
                             ",\n      \"queueName\": \"myinputqueue\",\n"
                             "      \"connection\": \"\""),
     .v1_code = V1_IMPORTS
     "def main(msg: func.ServiceBusMessage) -> None:\n"
     "    logging.info('Python ServiceBus queue trigger processed message: %s',\n"
     "                 msg.get_body().decode('utf-8'))\n",
     .v2_code =
         "@$VAR.service_bus_queue_trigger(arg_name=\"azservicebus\", queue_name=\"myqueue\",\n"
         "                               connection=\"ServiceBusConnection\")\n"
         "def $NAME(azservicebus: func.ServiceBusMessage):\n"
         "    logging.info('Python ServiceBus Queue trigger processed a message: %s',\n"
         "                 azservicebus.get_body().decode('utf-8'))\n"},
    {.name = "ServiceBus Topic",
     .classic = "ServiceBusTopicTrigger",
     .fallback = "servicebus_topic_trigger",
     .v1_json = JSON_BINDING("serviceBusTrigger", "message",
                             ",\n      \"topicName\": \"mytopic\",\n"
                             "      \"subscriptionName\": \"mysubscription\",\n"
                             "      \"connection\": \"\""),
     .v1_code = V1_IMPORTS
     "def main(message: func.ServiceBusMessage) -> None:\n"
     "    logging.info('Python ServiceBus topic trigger processed message: %s',\n"
     "                 message.get_body().decode('utf-8'))\n",
     .v2_code =
         "@$VAR.service_bus_topic_trigger(arg_name=\"azservicebus\", topic_name=\"mytopic\",\n"
         "                               subscription_name=\"mysubscription\",\n"
         "                               connection=\"ServiceBusConnection\")\n"
         "def $NAME(azservicebus: func.ServiceBusMessage):\n"
         "    logging.info('Python ServiceBus Topic trigger processed a message: %s',\n"
         "                 azservicebus.get_body().decode('utf-8'))\n"},
    {.name = "CosmosDB trigger",
     .classic = "CosmosDBTrigger",
     .fallback = "cosmosdb_trigger",
     .v1_json = JSON_BINDING("cosmosDBTrigger", "documents",
                             ",\n      \"leaseContainerName\": \"leases\",\n"
                             "      \"connection\": \"\",\n"
                             "      \"databaseName\": \"\",\n"
                             "      \"containerName\": \"\",\n"
                             "      \"createLeaseContainerIfNotExists\": true"),
     .v1_code = V1_IMPORTS "def main(documents: func.DocumentList) -> None:\n"
                           "    if documents:\n"
                           "        logging.info('First document id: %s', documents[0]['id'])\n",
     .v2_code =
         "@$VAR.cosmos_db_trigger(arg_name=\"azcosmosdb\", container_name=\"mycontainer\",\n"
         "                       database_name=\"mydatabase\", connection=\"CosmosDBConnection\")\n"
         "def $NAME(azcosmosdb: func.DocumentList):\n"
         "    logging.info('Python CosmosDB triggered.')\n"},
};
const size_t ml_n_trigger_templates = sizeof ml_trigger_templates / sizeof ml_trigger_templates[0];

static bool skipped(char c)
{
    return c == ' ' || c == '-' || c == '_';
}

static bool alike(const char *a, const char *b)
{
    for (;;) {
        while (skipped(*a))
            a++;
        while (skipped(*b))
            b++;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (*a == '\0')
            return true;
        a++;
        b++;
    }
}

const struct ml_trigger_template *ml_template_find(const char *name)
{
    for (size_t i = 0; i < ml_n_trigger_templates; i++) {
        const struct ml_trigger_template *t = &ml_trigger_templates[i];
        if (alike(name, t->name) || alike(name, t->classic))
            return t;
    }
    return NULL;
}

bool ml_template_is_classic(const char *name)
{
    size_t n = strlen(name);
    return n > 7 && strpbrk(name, " -_") == NULL && strcasecmp(name + n - 7, "trigger") == 0;
}

void ml_template_fill(struct ml_buf *b, const char *text, const struct ml_template_values *v)
{
    const struct {
        struct ml_str mark;
        const char *value;
    } marks[] = {
        {ML_STR("$NAME"), v->name}, {ML_STR("$LEVEL"), v->level}, {ML_STR("$VAR"), v->var}};
    while (*text != '\0') {
        size_t plain = strcspn(text, "$");
        ml_buf_add(b, text, plain);
        text += plain;
        size_t i = 0;
        while (i < 3 && strncmp(text, marks[i].mark.p, marks[i].mark.n) != 0)
            i++;
        if (i < 3) {
            ml_buf_cstr(b, marks[i].value != NULL ? marks[i].value : "");
            text += marks[i].mark.n;
        } else if (*text != '\0') {
            ml_buf_char(b, *text++);
        }
    }
}
