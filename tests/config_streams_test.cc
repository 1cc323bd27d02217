#include <gtest/gtest.h>

#include "tests/config_text.h"

namespace wayside {
namespace {

std::string map(const std::string& lines) {
  return "[[map]]\nname = \"m\"\nfrom = \"climate\"\n" + lines + "\n[[rule]]";
}

TEST(ConfigStreams, a_map_is_read_as_it_is_written) {
  const auto config = parse_good(
      with(kRule, map("where = \"temp_c > 0\"\nselect = { zone = \"door\", f = \"temp_c * 2\" }\n"
                      "key = \"zone\"\nmax_keys = 7\nforget_after = \"1h\"\n[[map]]\nname = \"n\"\n"
                      "from = \"m\"\nexplode = \"'[' || f || ']'\"\nselect = { v = \"value\" }")));
  ASSERT_TRUE(config);
  ASSERT_EQ(config->maps.size(), 2u);
  EXPECT_EQ(config->maps[0].where, "temp_c > 0");
  EXPECT_EQ(config->maps[0].key, "zone");
  EXPECT_EQ(config->maps[0].max_keys, 7u);
  EXPECT_EQ(config->maps[0].forget_after_ms, 3'600'000);
  EXPECT_EQ(config->maps[0].select[1].second, "temp_c * 2");
  EXPECT_EQ(config->maps[1].explode, "'[' || f || ']'");
}

TEST(ConfigStreams, what_is_wrong_with_a_map_is_told_where_it_stands) {
  expect_errors({
      {kRule, "[[map]]\nname = \"m\"\nfrom = @@\"climat\"\n[[rule]]",
       "'from': there is no source or block 'climat'; did you mean 'climate'?"},
      {kRule, map("select = { id = @@\"door\" }"),
       "'select.id': each event has a 'id' of its own; choose another name"},
      {kRule, map("select = { order = @@\"door\" }"),
       "'select.order': 'order' is a word of SQL; choose another name"},
      {kRule, map("select = { f = \"@@tmp_c * 2\" }"),
       "'select.f': unknown field 'tmp_c'; did you mean 'temp_c'?"},
      {kRule, map("where = \"temp_c > @@tmp_c\""),
       "'where': unknown field 'tmp_c'; did you mean 'temp_c'?"},
      {kRule, map("explode = @@\"door\""),
       "'explode': needs a select, which says what of an element stays"},
      {kRule, map("key = \"@@temp_c\""),
       "'key': 'temp_c' is not a text; CAST(… AS TEXT) gives one"},
      {kRule, map("forget_after = @@\"1h\""), "'forget_after': goes with key only"},
      {kRule, map("max_keys = @@7"), "'max_keys': goes with key only"},
      {kRule, "[[map]]\nname = @@\"climate\"\nfrom = \"climate\"\n[[rule]]",
       "'name': another block has the name 'climate'"},
  });
}

TEST(ConfigStreams, a_key_that_becomes_a_field_needs_a_name_of_its_own) {
  std::string text = with("key = \"vehicle\"", "key = \"key\"");
  text = with("fleet/{vehicle}/climate", "fleet/{key}/climate", text);
  text = with(kRule, map("key = @@\"door\""), text);
  const auto marks = take_marks(text);
  EXPECT_EQ(errors_of(text),
            std::vector<std::string>{marks[0] + ": 'key': 'key' becomes a field: each event has a "
                                                "'key' of its own; choose another name"});
}

TEST(ConfigStreams, a_key_that_becomes_a_field_behind_other_blocks_does_too) {
  const std::string before[] = {
      "[[map]]\nname = \"b\"\nfrom = \"climate\"\nwhere = \"1\"\n",
      "[[order]]\nname = \"b\"\nfrom = \"climate\"\n",
      "[[state]]\nname = \"b\"\nfrom = \"climate\"\nnext = { n = \"1\" }\n",
      "[[route]]\nname = \"a\"\nfrom = \"climate\"\nroutes = { b = \"1\" }\n"
      "[[map]]\nname = \"b\"\nfrom = \"a.b\"\n",
  };
  for (const std::string& block : before) {
    SCOPED_TRACE(block);
    std::string text = with("key = \"vehicle\"", "key = \"key\"");
    text = with("fleet/{vehicle}/climate", "fleet/{key}/climate", text);
    const std::string reads = map("key = @@\"door\"");
    text = with(kRule, block + with("\"climate\"", "\"b\"", reads), text);
    const auto marks = take_marks(text);
    EXPECT_EQ(errors_of(text), std::vector<std::string>{
                                   marks[0] + ": 'key': 'key' becomes a field: each event has a "
                                              "'key' of its own; choose another name"});
  }
}

TEST(ConfigStreams, inputs_whose_watermarks_differ_are_told_with_what_helps) {
  const std::string order = "[[order]]\nname = \"all\"\nfrom = \"climate\"\nper = \"stream\"\n";
  std::string text = with("from = \"climate\"\nsize", "from = [@@\"climate\", \"all\"]\nsize");
  text = with(kRule, order + kRule, text);
  const auto marks = take_marks(text);
  EXPECT_EQ(errors_of(text),
            std::vector<std::string>{
                marks[0] + ": 'from': 'climate' has a watermark by key, and 'all' one as a whole; "
                           "watermark = \"source\" of its source, or an [[order]] per = "
                           "\"stream\" between, gives 'climate' one as a whole, too"});
}

TEST(ConfigStreams, routes_states_and_orders_are_read_as_they_are_written) {
  const auto config = parse_good(with(kRule, R"toml([[route]]
name = "r"
from = "climate"
routes = { hot = "temp_c > 30", cold = "temp_c < 0" }
else = "rest"
all = true
[[order]]
name = "o"
from = "r.rest"
per = "stream"
max_waiting = 5
[[state]]
name = "s"
from = "o"
where = "door = 'open'"
init = { n = "0" }
next = { n = "n + 1" }
ttl = "1h"
order = "event_time"
to = "centre"
[[window]]
name = "w"
from = ["r.hot", "r.cold"]
size = "1m"
select = { n = "count()" }
[[rule]])toml"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->routes.at(0).routes.at(1).first, "cold");
  EXPECT_EQ(config->routes[0].otherwise, "rest");
  EXPECT_TRUE(config->routes[0].all);
  EXPECT_TRUE(config->orders.at(0).over_all_keys);
  EXPECT_EQ(config->orders[0].max_waiting, 5u);
  EXPECT_TRUE(config->states.at(0).by_event_time);
  EXPECT_EQ(config->states[0].ttl_ms, 3'600'000);
  EXPECT_EQ(config->states[0].init.at(0).second, "0");
}

TEST(ConfigStreams, what_is_wrong_with_a_route_or_state_is_told_where_it_stands) {
  const auto route = [](const std::string& lines) {
    return "[[route]]\nname = \"r\"\nfrom = \"climate\"\n" + lines + "\n[[rule]]";
  };
  const auto state = [](const std::string& lines) {
    return "[[state]]\nname = \"s\"\nfrom = \"climate\"\n" + lines + "\n[[rule]]";
  };
  const std::string reads = "\nname = \"q\"\nwhen = \"temp_c > 1\"\nfrom = ";
  expect_errors({
      {kRule, route("routes = { hot = \"@@tmp_c > 3\" }"),
       "'routes.hot': unknown field 'tmp_c'; did you mean 'temp_c'?"},
      {kRule, route("routes = @@{}"), "'routes': is empty"},
      {kRule, route("routes = { \"a.b\" = @@\"temp_c > 3\" }"),
       "'routes.a.b': a name is made of letters, digits, '_' and '-', at most 64 of them"},
      {kRule, route("routes = { hot = \"temp_c > 3\" }\nelse = @@\"hot\""),
       "'else': 'hot' is among the routes"},
      {kRule, route("routes = { hot = \"temp_c > 3\" }") + reads + "@@\"r.hto\"\n[[rule]]",
       "'from': there is no source or block 'r.hto'; did you mean 'r.hot'?"},
      {kRule,
       route("routes = { hot = \"temp_c > 3\" }\nelse = \"rest\"") + reads + "@@\"r\"\n[[rule]]",
       "'from': 'r' is a route; its streams are r.hot, r.rest"},
      {kRule, state("next = { n = \"n + @@tmp_c\" }"),
       "'next.n': unknown field 'tmp_c'; did you mean 'temp_c'?"},
      {kRule, state("next = { n = \"1\" }\ninit = { m = @@\"0\" }"),
       "'init.m': there is no value 'm' in next; did you mean 'n'?"},
      {kRule, state("next = { door = \"@@1\" }"),
       "'next.door': what it reads has a field of this name; choose another one"},
      {kRule, state("next = { time = @@\"1\" }"),
       "'next.time': each event has a 'time' of its own; choose another name"},
      {kRule, state("next = { n = \"1\" }\norder = @@\"events\""),
       "'order': expected \"arrival\" or \"event_time\""},
      {kRule, state("next = { n = \"1\" }\nto = @@\"center\""),
       "'to': there is no uplink 'center'; did you mean 'centre'?"},
  });
}

TEST(ConfigStreams, one_slip_is_told_once_though_others_read_the_block) {
  expect_errors({{kRule,
                  map("where = \"@@dor = 'open'\"") +
                      "\nname = \"r\"\nfrom = \"m\"\nwhen = \"temp_c > 1\"\n[[rule]]",
                  "'where': unknown field 'dor'; did you mean 'door'?"}});
}

TEST(ConfigStreams, blocks_that_read_each_other_are_refused) {
  std::string text = with(kRule, map("").replace(map("").find("climate"), 7, "n") +
                                     "\nname = \"r\"\nfrom = \"n\"\nwhen = \"1\"\n"
                                     "[[map]]\nname = \"n\"\nfrom = \"@@m\"\n[[rule]]");
  text = with("from = \"n\"\n\n[[rule]]", "from = \"@@n\"\n\n[[rule]]", text);
  const auto marks = take_marks(text);
  const std::vector<std::string> expected = {
      marks[0] + ": 'from': 'n' reads this block itself, over others perhaps",
      marks[1] + ": 'from': 'm' reads this block itself, over others perhaps"};
  EXPECT_EQ(errors_of(text), expected);
}

TEST(ConfigStreams, what_only_reads_blocks_of_a_cycle_is_in_none) {
  const auto block = [](const std::string& name, const std::string& from) {
    return "[[map]]\nname = \"" + name + "\"\nfrom = " + from + "\n";
  };
  const std::string text =
      with(kRule, block("a", "\"@@b\"") + block("b", "\"@@a\"") + block("c", "\"a\"") + kRule);
  std::string cut = text;
  const auto marks = take_marks(cut);
  const std::vector<std::string> expected = {
      marks[0] + ": 'from': 'b' reads this block itself, over others perhaps",
      marks[1] + ": 'from': 'a' reads this block itself, over others perhaps"};
  EXPECT_EQ(errors_of(cut), expected);
}

std::string lookup(const std::string& lines) {
  return "[[lookup]]\nname = \"l\"\nfrom = \"climate\"\nmatch = \"door\"\ncolumn = \"door\"\n" +
         lines + "\n[[rule]]";
}

TEST(ConfigStreams, a_look_up_is_read_as_it_is_written) {
  const auto config = parse_good(with(
      kRule,
      lookup(
          "file = \"/f.db\"\ntable = \"t\"\ncolumns = { zone = \"text\", limit_c = \"number\" }\n"
          "inner = true\nrefresh = \"5m\"\nmax_rows = 7\nmax_bytes = \"64KiB\"")));
  ASSERT_TRUE(config);
  ASSERT_EQ(config->lookups.size(), 1u);
  const LookupOptions& l = config->lookups[0];
  EXPECT_EQ(l.columns, (std::vector<std::pair<std::string, std::string>>{{"zone", "text"},
                                                                         {"limit_c", "number"}}));
  EXPECT_EQ(l.refresh_ms, 300'000);
  EXPECT_EQ(l.max_rows, 7u);
  EXPECT_EQ(l.max_bytes, 65'536u);
  EXPECT_TRUE(l.inner);
}

TEST(ConfigStreams, what_is_wrong_with_a_look_up_is_told_where_it_stands) {
  const std::string csv = "file = \"/f.csv\"\n";
  expect_errors({
      {kRule, lookup(csv + "columns = { zone = @@\"txt\" }"),
       "'columns.zone': is \"number\" or \"text\""},
      {kRule, lookup(csv + "columns = { temp_c = \"@@number\" }"),
       "'columns.temp_c': what it reads has a field of this name; a map before it can rename that "
       "one"},
      {kRule, lookup(csv + "table = @@\"t\"\ncolumns = { zone = \"text\" }"),
       "'table': goes with a database only"},
  });
}

TEST(ConfigStreams, a_view_is_read_as_it_is_written) {
  const auto config =
      parse_good(with(kRule,
                      "[[view]]\nname = \"v\"\nfrom = \"climate\"\nby = [\"key\", \"door\"]\n"
                      "where = \"speed > 0\"\nselect = { id = \"temp_c\" }\n"
                      "delete_when = \"door = 'x'\"\nmax_rows = 7\n[[rule]]"));
  ASSERT_TRUE(config);
  const ViewOptions& view = config->views.at(0);
  EXPECT_EQ(view.from, "climate");
  EXPECT_EQ(view.by, (std::vector<std::string>{"key", "door"}));
  EXPECT_EQ(view.where, "speed > 0");
  EXPECT_EQ(view.select.at(0).first, "id");
  EXPECT_EQ(view.delete_when, "door = 'x'");
  EXPECT_EQ(view.max_rows, 7u);
}

TEST(ConfigStreams, what_is_wrong_with_a_view_is_told_where_it_stands) {
  const auto view = [](const std::string& lines) {
    return "[[view]]\nname = \"v\"\nfrom = \"climate\"\n" + lines + "\n[[rule]]";
  };
  expect_errors({
      {kRule, "[[view]]\nname = \"v\"\nfrom = @@\"climat\"\n[[rule]]",
       "'from': there is no source or block 'climat'; did you mean 'climate'?"},
      {kRule, view("by = [@@\"dor\"]"),
       "'by': there is no field or alias of select 'dor'; did you mean 'door'?"},
      {kRule, view("select = { time = @@\"temp_c\" }"),
       "'select.time': each row has a 'time' of its own; choose another name"},
      {kRule, view("select = { f = \"@@tmp_c * 2\" }"),
       "'select.f': unknown field 'tmp_c'; did you mean 'temp_c'?"},
      {kRule, view("delete_when = \"@@tmp_c > 2\""),
       "'delete_when': unknown field 'tmp_c'; did you mean 'temp_c'?"},
      {kRule, view("max_rows = @@0"), "'max_rows': must be from 1 to 100000000"},
      {kRule, view("[[view]]\nname = @@\"V\"\nfrom = \"climate\""),
       "'name': for SQL this is the name of view 'v', too"},
  });
}

TEST(ConfigStreams, http_is_for_this_machine_alone) {
  for (const char* good : {"127.0.0.1:8787", "127.1.2.3:0", "[::1]:80"}) {
    const auto config =
        parse_good(with("[[mqtt]]", "[http]\nlisten = \"" + std::string(good) + "\"\n[[mqtt]]"));
    ASSERT_TRUE(config);
    EXPECT_EQ(config->http.listen, good);
  }
  const char* kForm = "'listen': expected ADDRESS:PORT, such as 127.0.0.1:8787 or [::1]:8787";
  for (const char* bad : {"8787", "localhost:80", "127.0.0.1:", "127.0.0.1:80x", "::1:80"}) {
    expect_errors(
        {{"[[mqtt]]", "[http]\nlisten = @@\"" + std::string(bad) + "\"\n[[mqtt]]", kForm}});
  }
  for (const char* far : {"0.0.0.0:80", "192.168.1.2:80", "[::]:80"}) {
    expect_errors(
        {{"[[mqtt]]", "[http]\nlisten = @@\"" + std::string(far) + "\"\n[[mqtt]]",
          "'listen': is not an address of this machine alone, such as 127.0.0.1 or [::1]; "
          "to ask from elsewhere put a server before it that knows whom to let in"}});
  }
}

}  // namespace
}  // namespace wayside
