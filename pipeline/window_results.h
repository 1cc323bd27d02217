// The results of a window block: derived columns, `having`, emissions, and rows for the blocks that
// read them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/columns.h"
#include "pipeline/emission.h"
#include "pipeline/former_results.h"
#include "pipeline/keyed_windows.h"
#include "pipeline/keys.h"
#include "pipeline/panes.h"
#include "pipeline/result_rows.h"

namespace wayside {

// An item of `select`, in the order of the file.
struct ResultItem {
  std::string alias;
  std::string derived;   // SQL over the other aliases; empty: an aggregate
  size_t aggregate = 0;  // of the panes
  uint32_t output = 0;   // of the aggregate
  FieldType type = FieldType::kNumber;
};

class WindowResults final : public WindowListener {
 public:
  struct Shape {
    std::string block;
    std::string key_name;
    bool has_times = true;  // results have a window_start and a window_end
    uint32_t targets = 0;
    std::vector<ResultItem> items;
    std::string having;
    bool purge = false;
    bool retract = false;  // a result that is told again is taken back first
    bool merge = false;    // windows may become one, as sessions do
  };
  // Panes and keys outlive it.
  WindowResults(Shape shape, const Panes& panes, const KeyTable& keys)
      : shape_(std::move(shape)),
        panes_(panes),
        keys_(keys),
        results_(3 + shape_.items.size()),
        changes_(3 + shape_.items.size()) {}
  bool compile(ExpressionEngine& engine, BlockError& error);
  // What blocks behind it read: key, window_start, window_end, then the items.
  Schema schema() const;

  // The event time of results from now on, where they have no window with times.
  void set_time(int64_t time_ms) { time_ms_ = time_ms; }
  // Rows that are being taken, and which one of them brings what comes; null: time alone does.
  void set_rows(const Rows* rows) { rows_taken_ = rows; }
  void set_row(uint32_t row) { row_taken_ = row; }
  // Without rows: what brings it nevertheless, as one of another key may.
  void set_place(uint32_t place) { place_ = place; }
  void on_result(const WindowResult& result) override;
  void on_gone(uint32_t key, int64_t from, int64_t to) override {
    gone_.push_back({rows_.size(), key, from, to});
  }
  // The watermark goes on, behind the results so far; for the stream. kNone: of no key.
  void on_watermark(uint32_t key, int64_t watermark) {
    moves_.push_back({rows_.size(), key, watermark, place()});
  }
  // Tells what has come since the last time. `stream` has first final results only; `changes`, with
  // `retract`, all that are final, and those that are taken back.
  void emit(EmissionBuffer& out, const Stream* stream, const Stream* changes);

  // Results since the turn began, whether `having` lets them through or not.
  size_t told_in_turn() const { return told_in_turn_; }
  void begin_turn() { told_in_turn_ = 0; }

  uint64_t emitted() const { return emitted_; }  // results that `having` let through
  void set_emitted(uint64_t n) { emitted_ = n; }
  uint64_t faults() const { return faults_; }  // see BlockStatus

  // What may be taken back; between emissions.
  void forget(uint32_t key) { former_.forget(key); }
  void save_former(uint32_t key, ByteWriter& out) const { former_.save(key, out); }
  void load_former(uint32_t key, ByteReader& in) { former_.load(key, in, shape_.items.size()); }

 private:
  struct Row {
    uint32_t key;
    uint32_t revision;
    int64_t start, end, time;
    bool final, revised;
    uint32_t place;
  };
  struct Move {
    size_t before;  // rows
    uint32_t key;
    int64_t watermark;
    uint32_t place;
  };
  struct Gone {
    size_t before;  // rows
    uint32_t key;
    int64_t from, to;
  };
  uint32_t place() const { return rows_taken_ ? rows_taken_->place(row_taken_) : place_; }
  std::vector<Field> columns() const;
  void find_types(const std::vector<Field>& plain);
  Table table();
  void derive(Table& table);
  void judge(const Table& table);
  size_t first_value() const { return shape_.retract ? 5 : 4; }  // among the fields of an event
  Emission* begin(const Row& row, bool taken_back, EmissionBuffer& out) const;
  void name_fields(Emission& e) const;
  void tell(size_t row, EmissionBuffer& out);
  void tell_in_place(size_t row, EmissionBuffer& out, bool changes);
  void take_back(const Row& by, const FormerResult& former, EmissionBuffer& out, bool changes);
  void tell_with_retraction(EmissionBuffer& out, bool changes);
  bool is_for_readers(const Row& row) const;
  void push(const Stream& stream, EmissionBuffer& out);
  template <class ValueOf>
  void add_row(ResultRows& to, const Row& row, ValueOf value_of);

  Shape shape_;
  const uint64_t teller_ = EmissionBuffer::make_teller();
  const Panes& panes_;
  const KeyTable& keys_;
  int64_t time_ms_ = 0;
  const Rows* rows_taken_ = nullptr;
  uint32_t row_taken_ = 0;
  uint32_t place_ = Cause::kNoReading;
  std::unique_ptr<ExpressionSet> derived_;
  std::unique_ptr<ExpressionSet> having_;
  size_t told_in_turn_ = 0;
  uint64_t emitted_ = 0;
  uint64_t faults_ = 0;

  // What has not been told yet, by row; values by item.
  std::vector<Row> rows_;
  std::vector<std::vector<Value>> values_;
  std::vector<std::string> key_texts_;
  std::vector<int64_t> starts_, ends_;
  std::vector<uint8_t> kept_;
  std::vector<Move> moves_;
  std::vector<Gone> gone_;
  FormerResults former_;  // with `retract`
  ResultRows results_;    // for the blocks behind
  ResultRows changes_;
};

}  // namespace wayside
