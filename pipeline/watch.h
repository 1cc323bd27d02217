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
  // Input and keys outlive it.
  Watch(const Stream& input, KeyTable& keys) : name_(input.name()), input_(input), keys_(keys) {}

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
  void finish(EmissionBuffer& out) override { release_waiting(out); }

  const std::string& name() const override { return name_; }  // of the stream
  BlockStatus status() const override;
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
  void consume(uint32_t key, int64_t time, const double* values, EmissionBuffer& out);
  OrderedReadings::Consumer consumer(uint32_t key, EmissionBuffer& out);
  void release(uint32_t key, int64_t watermark, EmissionBuffer& out);
  void release_due(EmissionBuffer& out);
  void release_waiting(EmissionBuffer& out);  // of all keys
  void begin_key_anew(uint32_t key, int64_t limit_ms, EmissionBuffer& out);

  std::string name_;
  const Stream& input_;
  KeyTable& keys_;
  // Values: first one a rule, then one a detector.
  std::vector<Rule*> rules_;
  std::vector<RobustZDetector*> detectors_;
  std::vector<ColumnExpressions::Item> rule_items_, detector_items_;
  ColumnExpressions values_;
  std::unique_ptr<OrderedReadings> ordered_;
  int64_t watermark_ = kTimeMin;  // not by key
};

}  // namespace wayside
