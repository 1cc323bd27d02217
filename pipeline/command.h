// `[[command]]`: decides what becomes of each command, behind the journal and from the journal
// alone: accepted, refused with a reason, or known already by its id, which then is answered as the
// first time. What was decided once is noted in the entry, and a replay obeys that. Accepted ones
// that change something count as versions of their key and go on to the blocks that read it.
//
// In the ledger an accepted one counts as what the blocks behind make of it, a refused one as
// quarantined, a repeated one as duplicate.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/block.h"
#include "pipeline/columns.h"
#include "pipeline/command_answer.h"
#include "pipeline/command_options.h"
#include "pipeline/decided.h"
#include "pipeline/keys.h"

namespace wayside {

class Command final : public Block {
 public:
  // Places of the command and of the table of decisions, among commands and views.
  struct Places {
    size_t command = 0;
    size_t decisions = 0;
  };
  // Null: `error` says why. Input, keys and engine outlive it.
  static std::unique_ptr<Command> make(const CommandOptions& options, const Stream& input,
                                       Places places, const KeyTable& keys,
                                       ExpressionEngine& engine, BlockError& error);
  // Reasons of refuse().
  static constexpr const char* kNoRoom = "max_keys";
  static constexpr const char* kLongKey = "long_key";
  static constexpr size_t kKeyMax = 1'024;  // bytes: keys are kept for as long as their versions

  // What an entry that is replayed has noted, until its end.
  void obey(std::string_view decided);
  void end_group() { then_.reset(); }
  // A replay comes to a command that had room then, and was decided on.
  bool had_room(uint32_t place) const;
  // There is no room for a command's key, or it is none: it is answered, and changes nothing.
  void refuse(const char* reason, std::string_view key, const Rows& row, EmissionBuffer& out);

  // The table of what commands have decided.
  static ViewShape decisions(uint32_t max_rows);

  void process(size_t input, const Rows& rows, EmissionBuffer& out) override;
  void forget_key(uint32_t key, int64_t newest_ms, EmissionBuffer& out) override;
  std::vector<Stream*> outputs() override { return {output_.get()}; }

  const std::string& name() const override { return options_.name; }
  BlockStatus status() const override;
  uint64_t faults() const override { return expressions_.faults(); }
  uint64_t fingerprint() const override;
  bool save_key(uint32_t key, ByteWriter& out) const override;
  void load_key(uint32_t key, ByteReader& in) override;
  void save_totals(ByteWriter& out) const override { out.varint(decided_); }
  void load_totals(ByteReader& in) override { decided_ = in.varint(); }

 private:
  struct Key {
    uint64_t version = 0;
    // The last ones, the newest last. Refusals, which change nothing, push out no version's id.
    std::deque<CommandDecision> accepted;
    std::deque<CommandDecision> refused;
    bool known = false;
  };
  Command(const CommandOptions& options, const Stream& input, Places places, const KeyTable& keys);
  bool compile(ExpressionEngine& engine, BlockError& error);
  bool find_topic(BlockError& error);
  Key& state(uint32_t key);
  void take_fields();
  std::string_view id_of(size_t row) const;  // of what was evaluated last
  uint64_t content_of(const Rows& rows, size_t row) const;
  Decided decide(const Key& key, const Rows& rows, size_t row) const;
  const char* refusal_of(const Key& key, size_t row) const;
  void carry_out(const Decided& decided, Key& key, const Rows& rows, size_t row);
  std::string text(size_t column, const Rows& rows, size_t row) const;
  void tell(const Decided& decided, std::string_view key, const Rows& rows, size_t row,
            EmissionBuffer& out);
  std::string topic_of(const Rows& rows, size_t row) const;

  CommandOptions options_;
  const Places places_;
  const KeyTable& keys_;
  Schema schema_;
  std::unique_ptr<Stream> output_;
  ColumnExpressions expressions_;  // the id, the requirements, then the others that there are
  size_t version_ = 0;             // places among them; 0: there is none
  size_t changes_ = 0;
  // Of answer_topic: a text, then a column (none behind the last one), and so on.
  std::vector<std::pair<std::string, size_t>> topic_;
  std::vector<size_t> fields_;  // which its sender has filled,
  uint64_t named_ = 0;          // and a hash of what they are called, in the upper half
  std::optional<std::map<uint32_t, Decided>> then_;  // by place; nothing: it is decided now
  std::vector<Key> states_;                          // by key
  size_t known_ = 0;
  uint64_t decided_ = 0;
  std::vector<uint8_t> present_;  // of a batch
};

}  // namespace wayside
