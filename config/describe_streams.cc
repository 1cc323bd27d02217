// Blocks that make streams of streams.
#include "config/describe_values.h"

namespace wayside {
namespace {

constexpr std::array<Choice, 2> kScopes{{{"key", false}, {"stream", true}}};
constexpr std::array<Choice, 2> kOrders{{{"arrival", false}, {"event_time", true}}};

constexpr std::array<Choice, 2> kPlaces{{{"memory", false}, {"sqlite", true}}};

}  // namespace

void describe_bounds(ConfigVisitor& v, StateBounds& o) {
  whole(v, {"max_keys", "keys with state; one more ends the one that was silent for longest"},
        o.max_keys, 1, 10'000'000);
  v.bytes({"max_bytes", "state of all keys, as it is saved; beyond it such keys end, too"},
          o.max_bytes, 4 << 10);
  choose(v, {"state", "\"memory\", or \"sqlite\": of silent keys it is in the store only"},
         o.on_disk, kPlaces);
  whole(v, {"resident_keys", "with sqlite: keys in memory; 0: a tenth of max_keys"},
        o.resident_keys, 0, 10'000'000);
}

void describe(ConfigVisitor& v, MapOptions& o) {
  v.text({"name", "names the map, and the readings it makes", "lines", true}, o.name);
  v.text({"from", "a source or block", "climate", true}, o.from);
  v.text({"where", "SQL over the fields: which readings pass", "temp_c IS NOT NULL"}, o.where);
  v.text({"explode", "SQL that gives a JSON array: one reading for each element, as `value`",
          "'[' || temp_c || ']'"},
         o.explode);
  v.items({"select", "alias = SQL over the fields; without it all fields pass",
           "{ zone = \"CAST(door AS TEXT)\", temp_f = \"value * 1.8 + 32\" }"},
          o.select);
  v.text({"key", "a text among them that becomes the key", "zone"}, o.key);
  v.duration({"forget_after", "with key: silence after which one ends; 0s: as with its sources"},
             o.forget_after_ms, 0);
  whole(v, {"max_keys", "with key: readings of further keys are dropped and counted"}, o.max_keys,
        1, 10'000'000);
}

void describe(ConfigVisitor& v, RouteOptions& o) {
  v.text({"name", "names the route; what it makes are streams name.route", "by_temp", true},
         o.name);
  v.text({"from", "a source or block", "climate", true}, o.from);
  v.items({"routes", "stream = SQL over the fields: where a reading goes, by the first that is met",
           "{ hot = \"temp_c > 30\", cold = \"temp_c < 0\" }", true},
          o.routes);
  v.text({"else", "the stream of what meets none; without it that goes nowhere", "rest"},
         o.otherwise);
  v.flag({"all", "a reading goes to each stream whose condition it meets"}, o.all);
}

void describe(ConfigVisitor& v, StateOptions& o) {
  v.text({"name", "names the state, and the readings that have it", "stock", true}, o.name);
  v.text({"from", "a source or block", "climate", true}, o.from);
  v.text({"where", "SQL over the fields: which readings count", "door IS NOT NULL"}, o.where);
  v.items({"init", "value = SQL over the fields: what a key begins with; NULL if it is left out",
           "{ opened = \"0\" }"},
          o.init);
  v.items({"next", "value = SQL over the fields and the values before: those behind a reading",
           "{ opened = \"opened + (door = 'open')\" }", true},
          o.next);
  v.duration({"ttl", "a key begins anew after so much event time without a reading; 0s: never"},
             o.ttl_ms, 0);
  choose(v, {"order", "readings count in order of \"arrival\", or of \"event_time\""},
         o.by_event_time, kOrders);
  whole(v, {"max_waiting", "event_time: readings of a key that may wait; then the oldest counts"},
        o.max_waiting, 1, 10'000'000);
  v.texts({"to", "uplinks that each change goes to; by default none", "[\"centre\"]"}, o.to);
  describe_bounds(v, o.bounds);
}

void describe(ConfigVisitor& v, OrderOptions& o) {
  v.text({"name", "names the stream in order of event time", "in_order", true}, o.name);
  v.text({"from", "a source or block", "climate", true}, o.from);
  choose(v, {"per", "\"key\": each key for itself; \"stream\": one order over all keys"},
         o.over_all_keys, kScopes);
  whole(v, {"max_waiting", "readings that may wait, of a key or in all; then the oldest leaves"},
        o.max_waiting, 1, 10'000'000);
  describe_bounds(v, o.bounds);
}

void describe(ConfigVisitor& v, LookupOptions& o) {
  v.text({"name", "names the look-up, and the readings it makes", "equipped", true}, o.name);
  v.text({"from", "a source or block", "climate", true}, o.from);
  v.text({"file", "a .csv whose first line names the columns, or a SQLite database",
          "/etc/wayside/vehicles.csv", true},
         o.file);
  v.text({"table", "of a database"}, o.table);
  v.text({"match", "SQL over the fields that gives a text", "vehicle", true}, o.match);
  v.text({"column", "of the table, that has to be equal to it", "vehicle", true}, o.column);
  v.text({"since",
          "of the table: RFC 3339 time from which on a row holds, of several with the same text; "
          "empty: from ever"},
         o.since);
  v.items({"columns", "of its row, that readings take along: \"number\" or \"text\"",
           "{ customer = \"text\", limit_c = \"number\" }", true},
          o.columns);
  v.flag({"inner", "leaves readings out that find no row; else its columns are NULL"}, o.inner);
  v.duration({"refresh", "how often the file is looked at for changes"}, o.refresh_ms, 1'000);
  whole(v, {"max_rows", "a table with more is refused"}, o.max_rows, 1, 1'000'000);
  v.bytes({"max_bytes", "of its file; and of what is kept of it"}, o.max_bytes, 1);
}

// What it has beside a source comes first: in a sample the fields are a table behind the rest.
void describe(ConfigVisitor& v, CommandOptions& o) {
  v.text({"id",
          "a text that names a command among those of its key; one that is known is not "
          "carried out again",
          "door", true},
         o.id);
  v.text({"version", "SQL over the fields: accepted only if the key has had so many; NULL: always",
          "NULL"},
         o.version);
  v.text({"changes", "SQL over the fields: whether it does anything; else it is only answered",
          "true"},
         o.changes);
  v.items({"require", "reason = SQL over the fields: refused for the first that does not hold",
           "{ no_temperature = \"temp_c IS NOT NULL\" }"},
          o.require);
  v.text({"answer_topic",
          "where answers go; {x} is a text of the command. Who names a response "
          "topic (MQTT 5) has them there, too",
          "fleet/{vehicle}/answer"},
         o.answer_topic);
  v.text({"view", "answers show its row of the key", "latest"}, o.view);
  whole(v, {"remember", "the ids of a key's last so many commands are known"}, o.remember, 1,
        10'000);
  describe_source(v, o, "settings", "fleet/{vehicle}/set");
  describe_fields(v, o);
}

void describe(ConfigVisitor& v, ViewOptions& o) {
  v.text({"name", "names the view, and the table that SQL sees", "latest", true}, o.name);
  v.text({"from", "a source or block", "climate", true}, o.from);
  v.texts({"by", "fields, or aliases of select, that name a row; by default the key", "[\"key\"]"},
          o.by);
  v.text({"where", "SQL over the fields: which readings count", "temp_c IS NOT NULL"}, o.where);
  v.items({"select", "column = SQL over the fields; without it all fields",
           "{ zone = \"CAST(coalesce(door, '') AS TEXT)\", temp_c = \"temp_c\" }"},
          o.select);
  v.text(
      {"delete_when", "SQL over the fields: which readings take their row away", "door = 'gone'"},
      o.delete_when);
  whole(v, {"max_rows", "of more the oldest by event time go, a sixteenth at once"}, o.max_rows, 1,
        100'000'000);
}

}  // namespace wayside
