// The rules and detectors over a stream. They see its readings in order of event time, so that
// their answers do not depend on the order of arrival: readings wait for the watermark.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/block.h"
#include "pipeline/columns.h"
#include "pipeline/detector.h"
#include "pipeline/keys.h"
#include "pipeline/ordered.h"
#include "pipeline/rule.h"

namespace wayside {

class Watch final : public Block {
 public:
  // Input and keys outlive it. `of_results`: of windows, of which one that was opened late comes
  // behind the watermark.
  Watch(const Stream& input, KeyTable& keys, bool of_results)
      : name_(input.name()), input_(input), keys_(keys), of_results_(of_results) {}

  // Before compile(). They outlive it.
  void add(Rule& rule, const std::string& when);
  void add(RobustZDetector& detector, const std::string& field);
  bool empty() const { return rules_.empty() && detectors_.empty(); }
  void compile(ExpressionEngine& engine, std::vector<BlockError>& errors);

  void process(size_t input, const Rows& rows, EmissionBuffer& out) override;
  void on_idle(uint32_t key, EmissionBuffer& out) override;
  void forget_key(uint32_t key, int64_t newest_ms, EmissionBuffer& out) override;
  void begin_anew(const std::vector<uint32_t>& keys, int64_t limit_ms,
                  EmissionBuffer& out) override;
  void finish(EmissionBuffer& out) override;

  // It sees rows that come late.
  bool judges_late(const Rule& rule) const { return of_results_ && rule.judges_late(); }

  const std::string& name() const override { return name_; }  // of the stream
  BlockStatus status() const override;
  uint64_t faults() const override { return values_.faults(); }
  uint64_t fingerprint() const override;
  bool save_key(uint32_t key, ByteWriter& out) const override {
    return ordered_->save_key(key, out);
  }
  void load_key(uint32_t key, ByteReader& in) override { ordered_->load_key(key, in); }
  void save_totals(ByteWriter& out) const override;
  void load_totals(ByteReader& in) override;

 private:
  void take(const Rows& rows, size_t row, const std::vector<const double*>& values,
            EmissionBuffer& out);
  void take_late(const Rows& rows, size_t row, const std::vector<const double*>& values,
                 EmissionBuffer& out);
  void consume(uint32_t key, int64_t time, const double* values, EmissionBuffer& out);
  auto consumer(uint32_t key, EmissionBuffer& out) {
    return
        [this, key, &out](int64_t time, const double* values) { consume(key, time, values, out); };
  }
  void release(uint32_t key, int64_t watermark, EmissionBuffer& out);
  void release_due(EmissionBuffer& out);
  void release_waiting(EmissionBuffer& out);  // of all keys
  void begin_key_anew(uint32_t key, int64_t limit_ms, EmissionBuffer& out);

  std::string name_;
  const Stream& input_;
  KeyTable& keys_;
  bool of_results_;
  // Values: first one a rule, then one a detector.
  std::vector<Rule*> rules_;
  std::vector<RobustZDetector*> detectors_;
  std::vector<ColumnExpressions::Item> rule_items_, detector_items_;
  ColumnExpressions values_;
  std::unique_ptr<OrderedReadings> ordered_;
  int64_t watermark_ = kTimeMin;  // not by key
  uint64_t late_ = 0;             // rows that some rule or detector could not see any more
  std::vector<uint32_t> due_;     // scratch
};

}  // namespace wayside
