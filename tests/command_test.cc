#include "pipeline/command.h"

#include <gtest/gtest.h>

#include <random>

#include "pipeline/decided.h"

#include "tests/block_fleet.h"

namespace wayside {
namespace {

// Commands of orders: who, an id, what it costs, and the version that is expected.
CommandOptions orders() {
  CommandOptions command;
  command.name = "orders";
  command.topic = "shop/{order_id}/{kind}";
  command.key = "order_id";
  for (const char* name : {"id", "amount", "expected"}) {
    command.fields.emplace_back().name = name;
  }
  command.fields[0].type = FieldType::kText;
  command.id = "id";
  command.version = "expected";
  command.changes = "kind != 'get'";
  command.require = {{"no_amount", "kind = 'get' OR amount IS NOT NULL"},
                     {"too_much", "kind = 'get' OR amount < 1000"}};
  command.answer_topic = "answers/{order_id}";
  command.remember = 3;
  return command;
}

struct Sent {
  std::string order, kind, id;
  double amount = kNull, expected = kNull;
  std::string reply_to = "";
};

class CommandStage {
 public:
  explicit CommandStage(CommandOptions command = orders()) {
    options_.sources = {command};
    options_.commands = {std::move(command)};
    options_.rules.resize(1);
    options_.rules[0].name = "r";
    options_.rules[0].from = "orders";
    options_.rules[0].when = "amount > 0";
    options_.uplinks = {"out"};
    reopen({});
  }
  void reopen(const SavedState& saved) {
    std::vector<BlockError> errors;
    pipeline_ = Pipeline::make(options_, errors);
    for (const BlockError& e : errors) ADD_FAILURE() << e.item << ": " << e.message;
    EXPECT_TRUE(pipeline_->load(saved.rows()).ok());
  }

  // "order id outcome reason version" of each answer of a turn.
  // `noted`: what its entry says was decided; empty: it decides itself.
  Lines turn(const std::vector<Sent>& commands, const std::string& noted = "") {
    Group group;
    if (!noted.empty()) group.notes = {{Note::Kind::kDecided, 0, "orders", noted}};
    group.batches.emplace_back(*make_schema(options_.sources[0]));
    group.duplicates.resize(1);
    group.rows_before.resize(1);
    group.turns.push_back({{0, 0}, {}});
    ReadingBatch& batch = group.batches[0];
    for (const Sent& c : commands) {
      batch.times.push_back(int64_t(batch.times.size()));
      const auto text = [&](size_t column, const std::string& value) {
        batch.columns[column].texts.push_back(value.empty() ? Interner::kNone
                                                            : batch.texts.intern(value));
      };
      text(0, c.order), text(1, c.kind), text(2, c.id);
      batch.columns[3].numbers.push_back(c.amount);
      batch.columns[4].numbers.push_back(c.expected);
      text(5, c.reply_to), text(6, c.reply_to.empty() ? "" : "0a");
    }
    group.turns[0].slices = {{0, 0, uint32_t(commands.size())}};
    EmissionBuffer out;
    pipeline_->turn(group, 0, out);
    pipeline_->end_group(group);
    Lines lines;
    for (const CommandAnswer& a : out.answers()) {
      lines.push_back(a.key + ' ' + a.decision.id + ' ' + to_text(a.decision.outcome) + ' ' +
                      a.decision.reason + ' ' + std::to_string(a.decision.version));
    }
    answers_ = out.answers();
    for (const ViewChange& c : out.views().of(0)) {
      rows_.push_back(to_text(c.values[1]) + ' ' + to_text(c.values[4]));
    }
    return lines;
  }
  Pipeline& pipeline() { return *pipeline_; }
  const std::vector<CommandAnswer>& answers() const { return answers_; }
  const Lines& decisions() const { return rows_; }

 private:
  PipelineOptions options_;
  std::unique_ptr<Pipeline> pipeline_;
  std::vector<CommandAnswer> answers_;
  Lines rows_;
};

TEST(Command, an_accepted_one_is_the_next_version_of_its_key) {
  CommandStage stage;
  EXPECT_EQ(stage.turn({{"o1", "put", "a", 5}, {"o1", "put", "b", 6}, {"o2", "put", "a", 7}}),
            (Lines{"o1 a accepted  1", "o1 b accepted  2", "o2 a accepted  1"}));
  EXPECT_EQ(stage.pipeline().total().used, 3u);
}

TEST(Command, one_whose_id_is_known_is_answered_as_the_first_time_and_not_carried_out_again) {
  CommandStage stage;
  stage.turn({{"o1", "put", "a", 5}, {"o1", "put", "b", 5'000}});
  EXPECT_EQ(stage.turn({{"o1", "put", "a", 5}, {"o1", "put", "b", 5'000}, {"o1", "put", "c", 1}}),
            (Lines{"o1 a accepted  1", "o1 b refused too_much 1", "o1 c accepted  2"}));
  const Ledger ledger = stage.pipeline().total();
  EXPECT_EQ(ledger.used, 2u);
  EXPECT_EQ(ledger.quarantined, 1u);
  EXPECT_EQ(ledger.duplicate, 2u);
  EXPECT_TRUE(ledger.balanced());
  EXPECT_EQ(stage.decisions(),
            (Lines{"1 accepted", "2 refused", "3 repeated", "4 repeated", "5 accepted"}));
}

TEST(Command, of_each_key_the_last_ids_are_remembered) {
  CommandStage stage;
  stage.turn({{"o1", "put", "a", 5}, {"o1", "put", "b", 5}, {"o1", "put", "c", 5}});
  EXPECT_EQ(stage.turn({{"o1", "put", "d", 5}, {"o1", "put", "b", 5}, {"o1", "put", "a", 5}}),
            (Lines{"o1 d accepted  4", "o1 b accepted  2", "o1 a accepted  5"}));
}

TEST(Command, refusals_push_out_no_id_of_one_that_was_carried_out) {
  CommandStage stage;
  stage.turn({{"o1", "put", "a", 5}});
  for (const char* id : {"r1", "r2", "r3", "r4"}) stage.turn({{"o1", "put", id, 5'000}});
  EXPECT_EQ(stage.turn({{"o1", "put", "a", 5}}), Lines{"o1 a accepted  1"});
  EXPECT_TRUE(stage.answers()[0].repeated);
  EXPECT_EQ(stage.turn({{"o1", "put", "r2", 5'000}}), Lines{"o1 r2 refused too_much 1"});
  EXPECT_TRUE(stage.answers()[0].repeated) << "the last refusals are known, too";
}

TEST(Command, one_with_a_known_id_and_other_contents_is_refused) {
  CommandStage stage;
  stage.turn({{"o1", "put", "a", 3, kNull, "me/1"}});
  EXPECT_EQ(stage.turn({{"o1", "put", "a", 99}}), Lines{"o1 a refused other_content 1"});
  EXPECT_FALSE(stage.answers()[0].repeated);
  EXPECT_EQ(stage.turn({{"o1", "put", "a", 3, kNull, "me/2"}}), Lines{"o1 a accepted  1"})
      << "where the answer goes is no part of it";
}

TEST(Command, one_without_room_for_its_key_is_answered_and_changes_nothing) {
  CommandOptions few = orders();
  few.max_keys = 2;
  CommandStage stage(few);
  const std::string name(Command::kKeyMax + 1, 'k');
  EXPECT_EQ(stage.turn({{"o1", "put", "a", 5},
                        {name, "put", "b", 5, kNull, "me/answers"},
                        {"o2", "put", "c", 5},
                        {"o3", "put", "d", 5},
                        {"o1", "put", "e", 5}}),
            (Lines{"o1 a accepted  1", name.substr(1) + " b refused long_key 0", "o2 c accepted  1",
                   "o3 d refused max_keys 0", "o1 e accepted  2"}));
  EXPECT_EQ(stage.answers()[1].reply_to, "me/answers");
  EXPECT_EQ(stage.answers()[3].topic, "answers/o3");
  EXPECT_EQ(stage.pipeline().total().dropped, 2u);
  EXPECT_TRUE(stage.pipeline().total().balanced());
}

// "which row" is of state as it was written before contents were known.
TEST(Command, state_of_before_has_no_contents_and_is_taken_as_it_is) {
  CommandStage stage;
  stage.turn({{"o1", "put", "a", 3}, {"o1", "put", "b", 5'000}});
  SavedState saved, older;
  saved.apply(stage.pipeline().save_changes());
  std::vector<StateRow> rows = saved.rows();
  for (StateRow& row : rows) {
    if (row.component == "command:orders" && row.key == "o1")
      row.bytes.resize(row.bytes.size() - 16);
  }
  older.apply(rows);
  ASSERT_NE(older, saved);
  stage.reopen(older);
  EXPECT_EQ(stage.turn({{"o1", "put", "a", 99}, {"o1", "put", "b", 1}}),
            (Lines{"o1 a accepted  1", "o1 b refused too_much 1"}));
}

TEST(Command, a_replay_obeys_what_was_decided_then) {
  CommandStage stage;
  stage.turn({{"o1", "put", "a", 50}, {"o1", "put", "b", 500}, {"o1", "put", "a", 50}});
  const std::vector<CommandAnswer> then = stage.answers();
  const std::string noted = encode_decided(then, 0);
  CommandOptions other = orders();
  other.require = {{"too_little", "amount > 100"}};
  CommandStage replay(other);
  const std::vector<Sent> same{
      {"o1", "put", "a", 50}, {"o1", "put", "b", 500}, {"o1", "put", "a", 50}};
  EXPECT_EQ(replay.turn(same, noted),
            (Lines{"o1 a accepted  1", "o1 b accepted  2", "o1 a accepted  1"}));
  EXPECT_TRUE(replay.answers()[2].repeated);
  EXPECT_EQ(replay.decisions(), (Lines{"1 accepted", "2 accepted", "3 repeated"}));
  EXPECT_EQ(replay.turn({{"o1", "put", "c", 50}, {"o1", "put", "a", 50}}),
            (Lines{"o1 c refused too_little 2", "o1 a accepted  1"}))
      << "from there on it decides itself";
}

TEST(Command, one_that_had_room_then_has_it_in_a_replay_and_one_that_had_none_has_not) {
  CommandOptions few = orders();
  few.max_keys = 1;
  CommandStage stage(few);
  const std::vector<Sent> sent{{"o1", "put", "a", 5}, {"o2", "put", "b", 5}};
  stage.turn(sent);
  const std::string refused = encode_decided(stage.answers(), 0);
  CommandStage roomy;
  roomy.turn(sent);
  const std::string accepted = encode_decided(roomy.answers(), 0);
  CommandStage more;
  EXPECT_EQ(more.turn(sent, refused), (Lines{"o1 a accepted  1", "o2 b refused max_keys 0"}));
  CommandStage less(few);
  EXPECT_EQ(less.turn(sent, accepted), (Lines{"o1 a accepted  1", "o2 b accepted  1"}));
}

TEST(Decided, what_is_broken_is_left_out) {
  CommandStage stage;
  stage.turn({{"o1", "put", "a", 5}, {"o1", "put", "b", 5}});
  const std::string noted = encode_decided(stage.answers(), 0);
  ASSERT_EQ(parse_decided(noted).size(), 2u);
  for (size_t n = 0; n < noted.size(); ++n) {
    EXPECT_LT(parse_decided(noted.substr(0, n)).size(), 2u) << n;
  }
  EXPECT_TRUE(parse_decided("\x07" + noted.substr(1)).empty()) << "of a later version";
}

TEST(Command, one_that_expects_another_version_is_refused) {
  CommandStage stage;
  EXPECT_EQ(stage.turn({{"o1", "put", "a", 5, 0},
                        {"o1", "put", "b", 5, 0},
                        {"o1", "put", "c", 5, 1},
                        {"o1", "put", "d", 5}}),
            (Lines{"o1 a accepted  1", "o1 b refused version 1", "o1 c accepted  2",
                   "o1 d accepted  3"}));
}

TEST(Command, one_that_changes_nothing_is_answered_only) {
  CommandStage stage;
  stage.turn({{"o1", "put", "a", 5}});
  EXPECT_EQ(stage.turn({{"o1", "get", "g"}, {"o1", "get", "g"}, {"o2", "get", "h"}}),
            (Lines{"o1 g accepted  1", "o1 g accepted  1", "o2 h accepted  0"}));
  EXPECT_EQ(stage.pipeline().total().used, 4u);
}

TEST(Command, one_without_an_id_or_with_a_null_in_what_is_required_is_refused) {
  CommandStage stage;
  EXPECT_EQ(stage.turn({{"o1", "put", "", 5}, {"o1", "put", "", 5}, {"o1", "put", "a"}}),
            (Lines{"o1  refused no_id 0", "o1  refused no_id 0", "o1 a refused no_amount 0"}));
  EXPECT_EQ(stage.pipeline().total().quarantined, 3u);
}

TEST(Command, says_where_its_answer_goes) {
  CommandStage stage;
  stage.turn({{"o1", "put", "a", 5, kNull, "me/answers"}});
  EXPECT_EQ(stage.answers()[0].topic, "answers/o1");
  EXPECT_EQ(stage.answers()[0].reply_to, "me/answers");
  EXPECT_EQ(stage.answers()[0].correlation, "0a");
}

TEST(Command, a_topic_that_no_broker_takes_is_none) {
  CommandStage stage;
  stage.turn({{"o#1", "put", "a", 5}, {"o+", "put", "a", 5}, {"o2", "put", "a", 5}});
  EXPECT_EQ(stage.answers()[0].topic, "");
  EXPECT_EQ(stage.answers()[1].topic, "");
  EXPECT_EQ(stage.answers()[2].topic, "answers/o2");
  stage.turn({{"o2/put", "put", "a", 5}});
  EXPECT_EQ(stage.answers().back().topic, "") << "a text becomes one level";
}

TEST(Command, an_id_has_a_length) {
  CommandStage stage;
  EXPECT_EQ(stage.turn({{"o1", "put", std::string(256, 'i'), 5}}).at(0).find("refused"),
            std::string::npos);
  const Lines refused = stage.turn({{"o1", "put", std::string(257, 'j'), 5}});
  EXPECT_EQ(refused, Lines{"o1 " + std::string(256, 'j') + " refused long_id 1"});
}

TEST(Command, what_was_decided_survives_and_does_not_depend_on_batches) {
  for (auto [seed, end] = seeds(50); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::vector<Sent> commands;
    for (size_t i = 0; i < 60; ++i) {
      Sent c{"o" + std::to_string(random() % 3), random() % 4 ? "put" : "get",
             "i" + std::to_string(random() % 12), double(random() % 1'200)};
      if (random() % 3 == 0) c.expected = double(random() % 6);
      commands.push_back(c);
    }
    CommandStage whole;
    const Lines expected = whole.turn(commands);
    CommandStage pieces;
    SavedState saved;
    Lines lines;
    for (size_t at = 0; at < commands.size();) {
      const size_t end = std::min<size_t>(commands.size(), at + 1 + random() % 7);
      const Lines some =
          pieces.turn({commands.begin() + ptrdiff_t(at), commands.begin() + ptrdiff_t(end)});
      lines.insert(lines.end(), some.begin(), some.end());
      saved.apply(pieces.pipeline().save_changes());
      pieces.reopen(saved);
      at = end;
    }
    EXPECT_EQ(lines, expected);
    EXPECT_EQ(pieces.decisions(), whole.decisions());
  }
}

TEST(Command, what_is_wrong_with_one_is_told) {
  struct Row {
    std::function<void(CommandOptions&)> spoil;
    std::string item, message;
  };
  const Row rows[] = {
      {[](auto& c) { c.id = "amount"; }, "id",
       "'amount' is not a text; give the field type = \"text\""},
      {[](auto& c) { c.answer_topic = "a/{amount}"; }, "answer_topic", "there is no text 'amount'"},
      {[](auto& c) { c.answer_topic = "a/{order"; }, "answer_topic",
       "there is a '{' without a '}'"},
      {[](auto& c) {
         c.require = {{"x", "amoun > 1"}};
       },
       "require.x", "unknown field 'amoun'; did you mean 'amount'?"},
  };
  for (const Row& row : rows) {
    PipelineOptions options;
    options.commands = {orders()};
    row.spoil(options.commands[0]);
    options.sources = {options.commands[0]};
    std::vector<BlockError> errors;
    EXPECT_EQ(Pipeline::make(options, errors), nullptr);
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].item, row.item);
    EXPECT_EQ(errors[0].message, row.message);
  }
}

}  // namespace
}  // namespace wayside
