// A decoder under test, with its rows written as texts.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "base/text.h"
#include "sensors/decoder.h"
#include "sensors/frame.h"

namespace wayside {

class Decoding {
 public:
  explicit Decoding(const SourceOptions& source)
      : source_(source), decoder_(make_decoder(source, kFirstField)) {}

  // "@time field field …" for each reading, '-' for nothing; or "reason: detail".
  std::string operator()(std::string_view payload) {
    // In memory of its own size, so that a sanitizer sees a read beyond what a frame allows.
    auto padded = std::make_unique<char[]>(payload.size() + kFramePadding);
    std::copy(payload.begin(), payload.end(), padded.get());
    std::memset(padded.get() + payload.size(), '}', kFramePadding);
    Row empty;
    empty.numbers.assign(kFirstField + source_.fields.size(), kNull);
    empty.texts.assign(kFirstField + source_.fields.size(), {});
    Readings readings(empty);
    Refusal refusal;
    Frame frame;
    frame.topic = topic_;
    frame.payload = {padded.get(), payload.size()};
    if (!decoder_->decode(frame, arrival_, readings, refusal)) return text_of(refusal);
    std::string out;
    for (size_t i = 0; i < readings.size(); ++i) {
      const Refusal& why = readings.refusal(i);
      out += (i > 0 ? "\n" : "") + (why.reason ? text_of(why) : text_of(readings.row(i)));
    }
    return out;
  }
  Decoding& at(std::string topic, int64_t arrival_ms = 0) {
    topic_ = std::move(topic);
    arrival_.wall_ms = arrival_ms;
    return *this;
  }

 private:
  static constexpr size_t kFirstField = 2;  // as behind two levels of a topic

  static std::string text_of(const Refusal& refusal) {
    return std::string(refusal.reason) + ": " + refusal.detail;
  }
  std::string text_of(const Row& row) const {
    std::string out = "@" + (row.has_time ? std::to_string(row.time_ms) : "none");
    for (size_t i = 0; i < source_.fields.size(); ++i) {
      const std::string_view text = row.texts[kFirstField + i];
      out += ' ';
      if (source_.fields[i].type == FieldType::kText) {
        out += text.data() ? text : "-";
      } else if (is_null(row.numbers[kFirstField + i])) {
        out += '-';
      } else {
        append_json_number(out, row.numbers[kFirstField + i]);
      }
    }
    return out;
  }

  SourceOptions source_;
  std::unique_ptr<Decoder> decoder_;
  std::string topic_;
  Now arrival_;
};

}  // namespace wayside
