// Whose event it is: the very one that was sent with this id, by the configuration that said it.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "firmware-gw/buffer.h"
#include "pipeline/emission_codec.h"
#include "storage/store.h"
#include "tests/explain_fixture.h"

namespace wayside {
namespace {

class ExplainedIdentity : public ExplainFixture {
 protected:
  static constexpr const char* kWindow =
      "[[window]]\nname = \"w\"\nfrom = \"climate\"\nsize = \"10s\"\nselect = { n = \"count()\" }";
  // A journal whose first file goes: windows of its readings are open there.
  Config config_of_small_files() const {
    Config config = this->config(kWindow);
    config.storage.file_bytes = 4 * kJournalPage;
    return config;
  }
  void remove_first_file() const {
    const auto path = std::filesystem::path(folder_ / "state/journal/0000000000000001.wsj");
    ASSERT_TRUE(std::filesystem::remove(path));
  }
  // Power went before the store had what it said behind the copy.
  void keep_store() const {
    std::filesystem::copy(folder_ / "state/wayside.db", folder_ / "kept.db");
  }
  void put_store_back() const {
    for (const char* name : {"wayside.db-wal", "wayside.db-shm"}) {
      std::filesystem::remove(folder_ / ("state/" + std::string(name)));
    }
    std::filesystem::rename(folder_ / "kept.db", folder_ / "state/wayside.db");
  }
  std::string newest_epoch() const {
    const auto reader = OutboxReader::open(posix_disk(), folder_ / "state");
    EXPECT_TRUE(reader.ok());
    return (*reader)->epochs()->back().name;
  }
  // Says something else of the same readings.
  static Config changed(Config config) {
    config.rules[0].when = "temp_c > 6";
    config.rules[0].severity = Severity::kInfo;
    return config;
  }
  static std::string key_of(const Said& said) {
    return said.line.substr(said.line.find("\"key\":\"") + 7, 1);
  }
};

TEST_F(ExplainedIdentity, of_what_is_not_here_says_what_to_do) {
  const Config config = this->config(kTooWarm);
  live(config, {"a 1000 5", "a 2000 5"});
  const std::string id = said(config, "r").front().id;
  const std::string epoch = id.substr(9, 8);
  for (const auto& [asked, told] : std::vector<std::pair<std::string, std::string>>{
           {"17", "expected an id like"},
           {"truck-9/" + epoch + "/1", "is of gateway truck-9"},
           {"truck-17/" + epoch + "/1.0", "is a reading"},
           {"truck-17/00000000/1", "has had no epoch 00000000"},
           {"truck-17/" + epoch + "/99", "has said 1 events so far"},
           {"truck-17/" + epoch + "/x", "ends with no number"}}) {
    EXPECT_NE(error(config, asked).find(told), std::string::npos) << error(config, asked);
  }
}

TEST_F(ExplainedIdentity, with_a_configuration_that_says_something_else_names_the_one_that_ran) {
  const Config former = this->config(kTooWarm);
  live(former, {"a 1000 5", "a 2000 5"});
  live(former, {"a 3000 5"});
  const std::string id = said(former, "r").front().id;
  Config other = former;
  other.rules[0].when = "temp_c > 40";
  const auto explained = explain(other, id, 100, never);
  ASSERT_FALSE(explained.ok());
  EXPECT_NE(explained.error().message.find("was said under configuration " +
                                           version_digits(config_version(former))),
            std::string::npos)
      << explained.error().message;
}

// What is pending keeps the version that it was made under, whatever runs when it leaves.
TEST_F(ExplainedIdentity, an_event_keeps_the_version_that_it_was_made_under) {
  const Config former = this->config(kTooWarm);
  live(former, {"a 1000 5", "a 2000 5"});
  Config other = former;
  other.rules.push_back(other.rules[0]);
  other.rules[1].name = "never";
  other.rules[1].when = "temp_c > 1000";
  live(other, {"b 1000 5", "b 2000 5"});
  ASSERT_NE(config_version(former), config_version(other));
  std::vector<std::string> versions;
  for (const Said& s : said(other, "r")) {
    const size_t at = s.line.find("\"config\":\"") + 10;
    versions.push_back(s.line.substr(at, 8));
  }
  EXPECT_EQ(versions, (std::vector<std::string>{version_digits(config_version(former)),
                                                version_digits(config_version(other))}));
}

TEST_F(ExplainedIdentity, an_event_whose_state_is_gone_is_not_taken_for_another_one) {
  Config config = config_of_small_files();
  config.storage.snapshot_bytes = 0;
  for (const char* reading : {"a 1000 5", "b 2000 5", "c 3000 5"}) live(config, {reading});
  live(config, {"d 1000 5"});
  live(config, {"a 12000 5", "b 12000 5", "d 12000 5"}, true);
  const std::vector<Said> events = said(config, "w");
  ASSERT_EQ(events.size(), 3u);
  remove_first_file();
  for (const Said& event : events) {
    EXPECT_NE(error(config, event.id).find("is gone, and the state that it led to"),
              std::string::npos)
        << key_of(event) << ": " << error(config, event.id);
  }
}

TEST_F(ExplainedIdentity, behind_a_snapshot_of_the_state_it_is_told_from_where_on_rows_are_listed) {
  const Config config = config_of_small_files();
  for (const char* reading : {"a 1000 5", "b 2000 5", "c 3000 5"}) live(config, {reading});
  live(config, {"d 1000 5"});
  live(config, {"a 4000 5"});
  live(config, {"a 12000 5"}, true);
  const std::vector<Said> events = said(config, "w");
  ASSERT_EQ(events.size(), 1u);
  remove_first_file();
  const auto explained = explain(config, events[0].id, 100, never);
  ASSERT_TRUE(explained.ok()) << explained.error().message;
  EXPECT_EQ(behind(explained->event), "climate 4000");
  EXPECT_EQ(explained->warning,
            "what came before journal entry 5 is not listed: the journal's beginning is gone");
}

TEST_F(ExplainedIdentity, behind_a_beginning_that_is_gone_ids_are_those_that_were_given) {
  const Config config = config_of_small_files();
  for (const char* reading : {"a 1000 5", "b 2000 5", "c 3000 5", "a 12000 5"}) {
    live(config, {reading});
  }
  live(config, {"a 15000 5"});
  live(config, {"a 25000 5"});
  const std::string id = said(config, "w").back().id;
  const auto before = explain(config, id, 100, never);
  ASSERT_TRUE(before.ok()) << before.error().message;
  remove_first_file();
  const auto explained = explain(config, id, 100, never);
  ASSERT_TRUE(explained.ok()) << explained.error().message;
  EXPECT_EQ(behind(explained->event), "climate 12000, climate 15000");
  EXPECT_EQ(explained->cause, before->cause);
  EXPECT_EQ(explained->event.behind[0].id, before->event.behind[0].id);
  EXPECT_NE(explained->warning.find("is gone"), std::string::npos);
  const std::string number = id.substr(id.rfind('/'));
  EXPECT_NE(error(config, "truck-17/deadbeef" + number).find("no epoch deadbeef"),
            std::string::npos);
}

// Its numbers go on from what the former one said, which the new one would not have.
TEST_F(ExplainedIdentity, an_event_behind_a_change_is_explained_by_the_configuration_that_said_it) {
  const Config former = config(kTooWarm);
  Config other = former;
  other.rules[0].when = "temp_c > 20";
  live(former, {"a 1000 5", "b 1000 5", "c 1000 5", "a 2000 5", "b 2000 5", "c 2000 5"});
  live(other, {"d 3000 25", "d 4000 25"});
  live(other, {"e 3000 1"});
  const std::string id = said(other, "r").back().id;
  EXPECT_EQ(id.substr(id.rfind('/')), "/4");
  const auto explained = explain(other, id, 100, never);
  ASSERT_TRUE(explained.ok()) << explained.error().message;
  EXPECT_EQ(behind(explained->event), "climate 3000");
  EXPECT_EQ(explained->config, config_version(other));
  const std::string version = version_digits(config_version(former));
  EXPECT_NE(explained->warning.find(version + " up to entry 1"), std::string::npos)
      << explained->warning;
  EXPECT_NE(error(former, id)
                .find("was said under configuration " + version_digits(config_version(other))),
            std::string::npos);
}

// Whatever it would say: its rule is not the one that ran.
TEST_F(ExplainedIdentity, a_configuration_that_would_say_the_same_is_refused_as_well) {
  const Config former = config(kTooWarm);
  live(former, {"a 1000 5", "a 2000 5"});
  const std::string id = said(former, "r").front().id;
  Config lower = former, renamed = former;
  lower.rules[0].when = "temp_c > 3";
  renamed.rules[0].name = "warm";
  for (const Config& other : {lower, renamed}) {
    EXPECT_NE(error(other, id).find("was said under configuration " +
                                    version_digits(config_version(former))),
              std::string::npos);
  }
}

TEST_F(ExplainedIdentity, behind_a_new_uplink_an_event_is_explained_as_before) {
  const Config former = config(kTooWarm);
  live(former, {"a 1000 5", "a 2000 5"});
  Config other = former;
  other.uplinks.push_back(other.uplinks[0]);
  other.uplinks[1].name = "second";
  live(other, {"b 1000 5", "b 2000 5"});
  live(other, {"b 3000 5"});
  const std::string id = said(former, "r").front().id;
  EXPECT_EQ(behind(other, id), "climate 1000");
  EXPECT_EQ(behind(former, id), "climate 1000");
  EXPECT_EQ(behind(other, said(other, "r").back().id), "climate 1000");
}

TEST_F(ExplainedIdentity, of_the_newest_entry_the_store_knows_what_it_said) {
  const Config config = this->config(kTooWarm);
  live(config, {"a 1000 5", "a 2000 5"});
  const std::string id = said(config, "r").back().id;
  EXPECT_EQ(behind(config, id), "climate 1000");
  for (const char* name : {"wayside.db", "wayside.db-wal", "wayside.db-shm"}) {
    std::filesystem::remove(config.gateway.state_dir + "/" + name);
  }
  EXPECT_NE(error(config, id).find("nothing tells yet"), std::string::npos) << error(config, id);
}

// The configuration was changed while the power was off.
TEST_F(ExplainedIdentity, what_recovery_said_anew_is_of_the_configuration_that_ran_then) {
  const Config former = config(kTooWarm);
  live(former, {"z 1000 1"});
  keep_store();
  live(former, {"a 1000 7", "a 2000 7"});
  put_store_back();
  const Config other = changed(former);
  live(other, {"b 1000 1"});
  live(other, {"b 2000 1"});
  const auto explained = explain(other, "truck-17/" + newest_epoch() + "/1", 100, never);
  ASSERT_TRUE(explained.ok()) << explained.error().message;
  EXPECT_EQ(explained->config, config_version(other));
  EXPECT_EQ(behind(explained->event), "climate 1000");
  const auto reader = OutboxReader::open(posix_disk(), folder_ / "state");
  ASSERT_TRUE(reader.ok());
  const auto sent = (*reader)->next(Lane::kAlarm, 0, UINT64_MAX, 0, 1);
  ASSERT_TRUE(sent.ok() && sent->size() == 1);
  EXPECT_EQ(decode_emission(sent->front().message)->config, explained->config);
}

TEST_F(ExplainedIdentity, what_recovery_said_in_place_of_what_is_recorded_is_not_taken_for_that) {
  const Config former = config(kTooWarm);
  live(former, {"z 1000 1"});
  const std::string epoch = newest_epoch();
  keep_store();
  live(former, {"a 1000 7", "a 2000 7"});
  live(former, {"a 3000 7"});
  put_store_back();
  const Config other = changed(former);
  live(other, {"b 1000 1"});
  live(other, {"b 2000 1"});
  ASSERT_NE(newest_epoch(), epoch);
  for (const Config& asked : {former, other}) {
    const std::string told = error(asked, "truck-17/" + newest_epoch() + "/1");
    EXPECT_NE(told.find("in place of what is recorded"), std::string::npos) << told;
  }
}

TEST_F(ExplainedIdentity, what_was_not_sent_has_no_id_of_what_was) {
  const Config former = config(kTooWarm);
  live(former, {"a 1000 5", "a 2000 5"});
  live(former, {"a 3000 1", "a 4000 1"});
  live(former, {"b 1000 1"});
  Config other = former;
  other.rules[0].when = "temp_c < 4";
  const std::vector<Said> events = said(other, "r");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].id, "truck-17/replay/1");
}

// ---- what no block has said

TEST_F(ExplainedIdentity, an_anchor_is_not_taken_for_a_window_called_journal) {
  Config config = this->config(
      "[[window]]\nname = \"journal\"\nfrom = \"climate\"\nsize = \"10s\"\nselect = { n = "
      "\"count()\" }");
  config.storage.anchor_ms = kHourMs;
  step_ms_ = kHourMs;
  live(config, {"a 1000 5"});
  live(config, {"a 2000 5"});
  const std::vector<Said> events = said(config, "journal");
  const auto anchor = std::find_if(events.begin(), events.end(), [](const Said& said) {
    return said.line.find("\"type\":\"anchor\"") != std::string::npos;
  });
  ASSERT_NE(anchor, events.end());
  const auto explained = explain(config, anchor->id, 100, never);
  ASSERT_TRUE(explained.ok()) << explained.error().message;
  EXPECT_EQ(explained->event.told.type, "anchor");
  EXPECT_EQ(explained->event.total, 0u);
  EXPECT_EQ(explained->event.rule, "");
}

TEST_F(ExplainedIdentity, an_imported_event_rests_on_nothing_of_ours) {
  const Config config = this->config(kTooWarm);
  live(config, {"a 1000 5"});
  std::ofstream(folder_ / "in.jsonl")
      << "{\"id\":\"other/1234abcd/7\",\"type\":\"alarm\",\"block\":\"r\",\"key\":\"a\",\"time\":"
         "1000,\"state\":\"raised\"}\n";
  ASSERT_TRUE(import_buffer(config, "centre", folder_ / "in.jsonl").ok());
  const auto explained = explain(config, said(config, "r").back().id, 100, never);
  ASSERT_TRUE(explained.ok()) << explained.error().message;
  EXPECT_EQ(explained->event.total, 0u);
  EXPECT_EQ(explained->event.rule, "");
  EXPECT_NE(to_text(*explained).find("imported; it was said as other/1234abcd/7"),
            std::string::npos);
}

}  // namespace
}  // namespace wayside
