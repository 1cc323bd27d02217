// Why something was said: the readings behind it, for each kind of block, by a gateway's journal.
#include "firmware-gw/explain.h"

#include "tests/explain_fixture.h"

namespace wayside {
namespace {

class Explain : public ExplainFixture {};

// Of one source of two devices; the last event of the block.
struct Case {
  const char* what;
  const char* blocks;
  const char* block;
  std::vector<std::string> readings;
  const char* behind;
};

const std::vector<Case> kCases = {
    {"a window: those of its key and time that passed where",
     "[[window]]\nname = \"w\"\nfrom = \"climate\"\nsize = \"10s\"\nwhere = \"temp_c > 2\"\nselect "
     "= "
     "{ n = \"count()\" }",
     "w",
     {"a 1000 5", "b 2000 5", "a 3000 1", "a 9999 7", "a 10000 8", "a 12000 8"},
     "climate 1000, climate 9999"},
    {"a session",
     "[[window]]\nname = \"w\"\nfrom = \"climate\"\ngap = \"5s\"\nselect = { n = \"count()\" }",
     "w",
     {"a 1000 5", "a 4000 5", "b 5000 1", "a 20000 8"},
     "climate 1000, climate 4000"},
    {"a window by count",
     "[[window]]\nname = \"w\"\nfrom = \"climate\"\ncount = 2\nselect = { n = \"count()\" }",
     "w",
     {"a 1000 5", "a 2000 5", "b 2500 1", "a 3000 7", "a 4000 8"},
     "climate 3000, climate 4000"},
    {"a window of its last readings",
     "[[window]]\nname = \"w\"\nfrom = \"climate\"\nsize = \"10s\"\nlast = 2\nselect = { n = "
     "\"count()\" }",
     "w",
     {"a 1000 5", "a 2000 5", "a 3000 7", "a 10000 8", "a 12000 8"},
     "climate 2000, climate 3000"},
    {"a rule that was raised: those for which it held",
     "[[rule]]\nname = \"r\"\nfrom = \"climate\"\nwhen = \"temp_c > 4\"\nfor = \"2s\"",
     "r",
     {"a 1000 1", "a 2000 5", "b 2500 9", "a 3000 6", "a 4500 7"},
     "climate 2000, climate 3000"},
    {"a rule that was cleared, and what cleared it",
     "[[rule]]\nname = \"r\"\nfrom = \"climate\"\nwhen = \"temp_c > 4\"",
     "r",
     {"a 2000 5", "a 3000 6", "a 4000 1", "a 5000 1"},
     "climate 2000, climate 3000, climate 4000"},
    {"a pattern: those of its steps",
     "[[pattern]]\nname = \"p\"\nfrom = \"climate\"\nwithin = \"10s\"\nsteps = [{ name = \"one\", "
     "when = \"temp_c = 1\" }, { name = \"two\", when = \"temp_c = 2\" }]",
     "p",
     {"a 1000 1", "a 2000 7", "b 2000 2", "a 3000 2", "a 4000 5"},
     "climate 1000, climate 3000"},
    {"a state: all since the key began",
     "[[state]]\nname = \"s\"\nfrom = \"climate\"\nnext = { n = \"coalesce(n, 0) + 1\" }\nto = "
     "[\"centre\"]",
     "s",
     {"a 1000 1", "b 2000 7", "a 2000 2"},
     "climate 1000, climate 2000"},
    {"a state that began anew after its time to live",
     "[[state]]\nname = \"s\"\nfrom = \"climate\"\nttl = \"5s\"\nnext = { n = \"coalesce(n, 0) + "
     "1\" "
     "}\nto = [\"centre\"]",
     "s",
     {"a 1000 1", "a 2000 7", "a 20000 2", "a 21000 2"},
     "climate 20000, climate 21000"},
    {"a reading that came too late",
     "[[window]]\nname = \"w\"\nfrom = \"climate\"\nsize = \"10s\"\nselect = { n = \"count()\" "
     "}\nlate_to = [\"centre\"]",
     "w",
     {"a 1000 5", "a 12000 5", "a 2000 5"},
     "climate 2000"},
    {"a join as of: each reading with the last one of the window before it",
     "[[window]]\nname = \"w\"\nfrom = \"climate\"\nsize = \"10s\"\nselect = { n = \"count()\" "
     "}\n[[join]]\nname = \"j\"\nfrom = \"climate\"\nwith = \"w\"\nselect = { n = \"n\" }",
     "j",
     {"a 1000 5", "a 2000 5", "a 12000 6", "a 13000 7", "a 21000 5", "a 80000 5"},
     "climate 21000, w 19999 (climate 12000, climate 13000)"},
    {"a day of a calendar",
     "[[window]]\nname = \"w\"\nfrom = \"climate\"\ncalendar = \"day\"\nzone = "
     "\"Europe/Berlin\"\nselect = { n = \"count()\" }",
     "w",
     {"a 1000 5", "a 82799999 5", "a 82800000 1", "a 90000000 1"},
     "climate 1000, climate 82799999"},
    {"a window by processing time: those of its second",
     "[[window]]\nname = \"w\"\nfrom = \"climate\"\nsize = \"1s\"\ntime = "
     "\"processing\"\nselect = { n = \"count()\" }",
     "w",
     {"a 1000 5", "a 2000 5", "a 3000 1", "b 4000 1"},
     "w/climate 1700000000000 (climate 1000), w/climate 1700000000000 (climate 2000)"},
    {"a chain: a rule over a window over a map",
     "[[map]]\nname = \"m\"\nfrom = \"climate\"\nselect = { warm = \"temp_c + 1\" "
     "}\n[[window]]\nname "
     "= \"w\"\nfrom = \"m\"\nsize = \"10s\"\nselect = { top = \"max(warm)\" }\n[[rule]]\nname = "
     "\"r\"\nfrom = \"w\"\nwhen = \"top > 6\"",
     "r",
     {"a 1000 5", "a 2000 6", "a 12000 1"},
     "w 9999 (m 1000 (climate 1000), m 2000 (climate 2000))"},
    {"a state in order of event time",
     "[[state]]\nname = \"s\"\nfrom = \"climate\"\norder = \"event_time\"\nnext = { n = "
     "\"coalesce(n, 0) + 1\" }\nto = [\"centre\"]",
     "s",
     {"a 1000 1", "a 2000 2", "a 3000 2"},
     "s/climate 1000 (climate 1000), s/climate 2000 (climate 2000)"},
};

TEST_F(Explain, gives_the_readings_that_each_kind_of_block_has_used) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.what);
    TempFolder folder;
    lives_ = 0;
    const Config config = config_in(folder / "state", c.blocks);
    // Cut into entries in the middle: what a block holds goes over from life to life.
    const auto half = c.readings.begin() + ptrdiff_t(c.readings.size() / 2);
    live(config, {c.readings.begin(), half});
    live(config, {half, c.readings.end()});
    const std::vector<Said> events = said(config, c.block);
    ASSERT_FALSE(events.empty());
    EXPECT_EQ(behind(config, events.back().id), c.behind);
  }
}

// With disorder allowed one reading lets several others go on, each of which makes a block tell
// something: the sum of what each event rests on is what it says.
TEST_F(Explain, an_event_rests_on_no_row_that_came_behind_it_however_many_came_at_once) {
  struct Case {
    const char* what;
    std::string blocks;
  };
  const std::string state =
      "[[state]]\nname = \"s\"\nfrom = \"@\"\nnext = { n = \"coalesce(n, 0) + 1\" }\nto = "
      "[\"centre\"]\n";
  const auto from = [&](const std::string& stream) {
    return std::string(state).replace(state.find('@'), 1, stream);
  };
  const Case cases[] = {
      {"a state in order of event time", from("climate").append("order = \"event_time\"\n")},
      {"a state behind a window",
       "[[window]]\nname = \"w\"\nfrom = \"climate\"\nsize = \"200ms\"\nselect = { m = "
       "\"count()\" }\n" +
           from("w")},
      {"a state behind an order", "[[order]]\nname = \"o\"\nfrom = \"climate\"\n" + from("o")},
      {"a window that tells early",
       "[[window]]\nname = \"s\"\nfrom = \"o\"\nsize = \"1000s\"\nearly_count = 1\nselect = { n = "
       "\"count()\" }\n[[order]]\nname = \"o\"\nfrom = \"climate\"\n"},
      {"a window by count",
       "[[order]]\nname = \"o\"\nfrom = \"climate\"\n[[window]]\nname = \"s\"\nfrom = \"o\"\ncount "
       "= "
       "2\nselect = { n = \"count()\" }\n"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    TempFolder folder;
    lives_ = 0;
    Config config = config_in(folder / "state", c.blocks);
    for (SourceOptions& s : config.sources) s.max_disorder_ms = 5'000;
    Group readings;
    for (int i = 0; i < 4; ++i) {  // each sixth lets those before it go
      for (int k = 1; k <= 5; ++k)
        readings.push_back("a " + std::to_string(i * 20'000 + k * 100) + " 1");
      readings.push_back("a " + std::to_string(i * 20'000 + 10'000) + " 1");
    }
    live(config, readings);
    const std::vector<Said> events = said(config, "s");
    ASSERT_GT(events.size(), 10u);
    for (const Said& event : events) {
      const auto explained = explain(config, event.id, 1'000, never);
      ASSERT_TRUE(explained.ok()) << explained.error().message;
      const size_t at = event.line.find("\"n\":") + 4;
      EXPECT_EQ(explained->event.total, std::stoul(event.line.substr(at))) << event.line;
    }
  }
}

TEST_F(Explain, finds_the_pair_of_an_interval_join_also_by_a_boolean_alone) {
  const Config config = this->config(
      "[[map]]\nname = \"m\"\nfrom = \"climate\"\nwhere = \"temp_c < 9\"\n[[join]]\nname = "
      "\"j\"\nfrom = "
      "\"climate\"\nwith = \"m\"\nbefore = \"5s\"\nafter = \"5s\"\nselect = { closed = \"shut\" }");
  live(config, {"a 1000 1 true", "a 2000 1 false", "a 3000 9"});
  size_t found = 0;
  for (const Said& said : said(config, "j")) {
    if (said.line.find("\"temp_c\":9") == std::string::npos) continue;
    const bool closed = said.line.find("\"closed\":true") != std::string::npos;
    EXPECT_EQ(behind(config, said.id), closed ? "climate 3000, m 1000 (climate 1000)"
                                              : "climate 3000, m 2000 (climate 2000)")
        << said.line;
    ++found;
  }
  EXPECT_EQ(found, 2u);
}

TEST_F(Explain, tells_the_rule_the_cause_and_the_configuration) {
  const Config config = this->config(kTooWarm);
  live(config, {"a 1000 1", "a 2000 5", "b 2500 1"});
  live(config, {"a 2600 5"});
  const std::vector<Said> events = said(config, "r");
  ASSERT_EQ(events.size(), 1u);
  const auto explained = explain(config, events[0].id, 100, never);
  ASSERT_TRUE(explained.ok()) << explained.error().message;
  EXPECT_EQ(explained->event.rule,
            "[[rule]]\nname = \"r\"\nfrom = \"climate\"\nwhen = \"temp_c > 4\"\n");
  EXPECT_EQ(explained->config, config_version(config));
  EXPECT_EQ(explained->warning, "");
  // It waited for its order until the last one came.
  EXPECT_EQ(explained->cause.substr(explained->cause.rfind('/')), "/2.0");
  const std::string& reading = explained->event.behind[0].id;
  EXPECT_EQ(reading.substr(reading.rfind('/')), "/1.1");
  EXPECT_NE(events[0].line.find(",\"cause\":\"2.0\",\"config\":\"" +
                                version_digits(explained->config) + "\","),
            std::string::npos)
      << events[0].line;
}

TEST_F(Explain, gives_the_last_rows_of_long_lists_and_counts_the_others) {
  const Config config = this->config(
      "[[state]]\nname = \"s\"\nfrom = \"climate\"\nnext = { n = \"coalesce(n, 0) + 1\" }\nto = "
      "[\"centre\"]");
  Group readings;
  for (int i = 1; i <= 50; ++i) readings.push_back("a " + std::to_string(i * 1000) + " 1");
  live(config, readings);
  const auto explained = explain(config, said(config, "s").back().id, 2, never);
  ASSERT_TRUE(explained.ok());
  EXPECT_EQ(behind(explained->event), "climate 49000, climate 50000");
  EXPECT_EQ(explained->event.total, 50u);
  EXPECT_NE(to_text(*explained).find("… and 48 more before these"), std::string::npos);
}

// Each row of a long chain rests on a long list itself.
TEST_F(Explain, gives_no_more_rows_of_a_level_than_its_limit) {
  const Config config = this->config(
      "[[window]]\nname = \"w\"\nfrom = \"climate\"\nsize = \"10s\"\nselect = { n = \"count()\" "
      "}\n[[state]]\nname = \"s\"\nfrom = \"w\"\nnext = { told = \"coalesce(told, 0) + 1\" }\nto = "
      "[\"centre\"]");
  Group readings;
  for (int i = 1; i <= 100; ++i) readings.push_back("a " + std::to_string(i * 1000) + " 1");
  live(config, readings);
  const std::string id = said(config, "s").back().id;
  EXPECT_EQ(behind(config, id, 4),
            "w 69999 (climate 69000), w 79999 (climate 79000), w 89999 (climate 89000), "
            "w 99999 (climate 99000)");
  const auto explained = explain(config, id, 4, never);
  ASSERT_TRUE(explained.ok());
  EXPECT_EQ(explained->event.total, 10u);
  EXPECT_EQ(explained->event.behind[0].total, 10u);
}

TEST_F(Explain, ends_when_its_time_is_over) {
  const Config config = this->config(kTooWarm);
  live(config, {"a 1000 5", "a 2000 5"});
  const std::string id = said(config, "r").back().id;
  const auto explained = explain(config, id, 100, [] { return true; });
  ASSERT_FALSE(explained.ok());
  EXPECT_NE(explained.error().message.find("--timeout"), std::string::npos);
}

TEST_F(Explain, gives_a_terminal_no_commands_of_a_device) {
  ExplainedEvent explained;
  explained.event.told.key = "truck\x1b[31m";
  Explanation reading;
  reading.told.type = "reading";
  reading.told.key = "truck\x1b[32m";
  reading.told.fields = {{"text\x1b", std::string("\x1b[33m\xc2\x9b")}};
  explained.event.behind.push_back(reading);
  explained.event.total = 1;
  const std::string text = to_text(explained);
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos) << text;
}

}  // namespace
}  // namespace wayside
