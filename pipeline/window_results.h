// The results of a window block: derived columns, `having`, emissions, and rows for the blocks that
// read them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/columns.h"
#include "pipeline/emission.h"
#include "pipeline/keyed_windows.h"
#include "pipeline/keys.h"
#include "pipeline/panes.h"
#include "pipeline/stream.h"

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
  };
  // Panes and keys outlive it.
  WindowResults(Shape shape, const Panes& panes, const KeyTable& keys)
      : shape_(std::move(shape)), panes_(panes), keys_(keys) {}
  bool compile(ExpressionEngine& engine, BlockError& error);
  // What blocks behind it read: key, window_start, window_end, then the items.
  Schema schema() const;

  // The event time of results from now on, where they have no window with times.
  void set_time(int64_t time_ms) { time_ms_ = time_ms; }
  void on_result(const WindowResult& result) override;
  // The watermark goes on, behind the results so far; for the stream. kNone: of no key.
  void on_watermark(uint32_t key, int64_t watermark) {
    moves_.push_back({rows_.size(), key, watermark});
  }
  // Tells what has come since the last time.
  void emit(EmissionBuffer& out, const Stream* stream);

  uint64_t emitted() const { return emitted_; }  // results that `having` let through
  void set_emitted(uint64_t n) { emitted_ = n; }
  uint64_t faults() const { return faults_; }  // see BlockStatus

 private:
  struct Row {
    uint32_t key;
    uint32_t revision;
    int64_t start, end, time;
    bool final, revised;
  };
  struct Move {
    size_t before;  // rows
    uint32_t key;
    int64_t watermark;
  };
  std::vector<Field> columns() const;
  Table table();
  void derive(Table& table);
  void judge(const Table& table);
  void tell(size_t row, EmissionBuffer& out) const;
  void push(const Stream& stream, EmissionBuffer& out);
  void push_row(size_t row);
  void push_move(const Move& move);

  Shape shape_;
  const Panes& panes_;
  const KeyTable& keys_;
  int64_t time_ms_ = 0;
  std::unique_ptr<ExpressionSet> derived_;
  std::unique_ptr<ExpressionSet> having_;
  uint64_t emitted_ = 0;
  uint64_t faults_ = 0;

  // What has not been told yet, by row; values by item.
  std::vector<Row> rows_;
  std::vector<std::vector<Value>> values_;
  std::vector<std::string> key_texts_;
  std::vector<int64_t> starts_, ends_;
  std::vector<uint8_t> kept_;
  std::vector<Move> moves_;
  // Rows for the stream.
  ReadingBatch batch_;
  std::vector<uint32_t> batch_keys_;
  std::vector<int64_t> after_;
  std::vector<uint8_t> present_;
};

}  // namespace wayside
