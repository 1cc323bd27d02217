// What a key that has ended has seen is not behind what is said of its next life.
#include "tests/explain_fixture.h"

namespace wayside {
namespace {

// Long enough apart for keys to be forgotten.
class ExplainedEnd : public ExplainFixture {
 protected:
  ExplainedEnd() { step_ms_ = kHourMs; }
};

struct EndCase {
  const char* what;
  const char* source;  // more keys of it
  const char* blocks;
  const char* block;
  std::vector<std::vector<std::string>> lives;  // each is one turn
  const char* behind;
};

const std::vector<EndCase> kEndCases = {
    {"a state whose key was forgotten in between",
     "forget_after = \"2s\"\nidle_after = \"1s\"",
     "[[state]]\nname = \"b\"\nfrom = \"climate\"\nnext = { n = \"coalesce(n, 0) + 1\" }\nto = "
     "[\"centre\"]",
     "b",
     {{"a 1000 1", "a 2000 1"}, {"a 3000 1", "a 4000 1"}},
     "climate 3000, climate 4000"},
    {"a window that was closed by forgetting, and begun anew",
     "forget_after = \"2s\"\nidle_after = \"1s\"",
     "[[window]]\nname = \"b\"\nfrom = \"climate\"\nsize = \"10s\"\nselect = { n = \"count()\" }",
     "b",
     {{"a 1000 1", "a 2000 1"}, {"a 3000 1", "a 4000 1"}, {"z 1000 1"}},
     "climate 3000, climate 4000"},
    {"a window of all time",
     "forget_after = \"2s\"\nidle_after = \"1s\"",
     "[[window]]\nname = \"b\"\nfrom = \"climate\"\nglobal = true\nselect = { n = \"count()\" }",
     "b",
     {{"a 1000 1", "a 2000 1"}, {"a 3000 1", "a 4000 1"}, {"z 1000 1"}},
     "climate 3000, climate 4000"},
    {"a detector's values",
     "forget_after = \"2s\"\nidle_after = \"1s\"",
     "[[detector]]\nname = \"b\"\nfrom = \"climate\"\nfield = "
     "\"temp_c\"\nhistory "
     "= 20",
     "b",
     {{"a 1000 500"},
      {"a 1000 1",  "a 2000 2",  "a 3000 1",  "a 4000 2",  "a 5000 1",  "a 6000 2",   "a 7000 1",
       "a 8000 2",  "a 9000 1",  "a 10000 2", "a 11000 1", "a 12000 2", "a 13000 1",  "a 14000 2",
       "a 15000 1", "a 16000 2", "a 17000 1", "a 18000 2", "a 19000 1", "a 20000 90", "a 21000 1"}},
     "climate 1000, climate 2000, climate 3000, climate 4000, climate 5000, climate 6000, climate "
     "7000, climate 8000, climate 9000, climate 10000, climate 11000, climate 12000, climate "
     "13000, climate 14000, climate 15000, climate 16000, climate 17000, climate 18000, climate "
     "19000, climate 20000"},
    {"a state that was pushed out",
     "",
     "[[state]]\nname = \"b\"\nfrom = \"climate\"\nmax_keys = 1\nnext = { n = \"coalesce(n, 0) + "
     "1\" "
     "}\nto = [\"centre\"]",
     "b",
     {{"a 1000 1", "a 2000 1", "b 2000 1", "a 3000 1"}},
     "climate 3000"},
    {"a window that the turn itself has pushed out",
     "",
     "[[window]]\nname = \"b\"\nfrom = \"climate\"\nmax_keys = 1\nsize = \"10s\"\nselect = { n = "
     "\"count()\" }",
     "b",
     {{"a 1000 1", "a 2000 1", "b 3000 1"}},
     "climate 1000, climate 2000"},
    {"rows of several keys that one reading has brought, behind a map with another key",
     "watermark = \"source\"",
     "[[window]]\nname = \"w\"\nfrom = \"climate\"\nsize = \"10s\"\nselect = { n = \"count()\" "
     "}\n[[map]]\nname = \"m\"\nfrom = \"w\"\nkey = \"who\"\nselect = { who = \"CAST('x' || "
     "vehicle AS "
     "TEXT)\", n = \"n\" }\n[[state]]\nname = \"b\"\nfrom = \"m\"\nnext = { total = \"n\" }\nto = "
     "[\"centre\"]",
     "b",
     {{"a 1000 1", "b 1000 1", "b 2000 1", "c 20000 1"}},
     "m 9999 (w 9999 (climate 1000, climate 2000))"},
};

TEST_F(ExplainedEnd, what_a_key_has_seen_ends_with_it) {
  for (const EndCase& c : kEndCases) {
    SCOPED_TRACE(c.what);
    TempFolder folder;
    lives_ = 0;
    const Config config = config_in(folder / "state", c.blocks, c.source);
    for (const Group& readings : c.lives) live(config, readings, true);
    const std::vector<Said> events = said(config, c.block);
    ASSERT_FALSE(events.empty());
    EXPECT_EQ(behind(config, events.back().id), c.behind) << events.back().line;
  }
}

// The row that needs its room is the cause.
TEST_F(ExplainedEnd, what_is_pushed_out_tells_which_reading_has_done_it) {
  const Config config = this->config(
      "[[window]]\nname = \"w\"\nfrom = \"climate\"\nmax_keys = 1\nsize = \"10s\"\nselect = { n = "
      "\"count()\" }");
  live(config, {"a 1000 1", "a 2000 1", "b 3000 1"}, true);
  const std::string line = said(config, "w").front().line;
  EXPECT_NE(line.find("\"cause\":\"1.2\""), std::string::npos) << line;
}

TEST_F(ExplainedEnd, a_rule_that_forgetting_has_cleared_says_so) {
  const Config config = this->config(kTooWarm, "forget_after = \"2s\"\nidle_after = \"1s\"");
  live(config, {"a 1000 5", "a 2000 6"}, true);
  live(config, {"z 1000 1"}, true);
  const auto explained = explain(config, said(config, "r").back().id, 100, never);
  ASSERT_TRUE(explained.ok()) << explained.error().message;
  EXPECT_EQ(behind(explained->event), "climate 1000, climate 2000");
  EXPECT_NE(explained->event.note.find("the key was forgotten"), std::string::npos)
      << explained->event.note;
}

}  // namespace
}  // namespace wayside
