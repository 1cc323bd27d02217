// Kafka, each message exactly once. A transaction carries a batch and our mark (see kafka_marks.h),
// so either both are there or neither. Whatever goes wrong, the way back is the same: a new
// producer under the same transactional.id fences the old one and finishes what it left, and only
// then the mark is read, which tells what was delivered.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "base/held_time.h"
#include "base/log.h"
#include "base/text.h"
#include "uplink/kafka_client.h"
#include "uplink/kafka_marks.h"
#include "uplink/sink.h"

namespace wayside {
namespace {

using namespace kafka;

constexpr int kInitTimeoutMs = 30'000;
constexpr int kSliceMs = 500;  // calls that may be resumed look this often whether we are to end
constexpr int kRetries = 5;
constexpr int64_t kOldestMs = 24 * 3'600'000;  // of a record's timestamp
constexpr size_t kTopicBytesMax = 249;         // Kafka's
constexpr size_t kRequestBytes = 1'000'000;    // of librdkafka: what is larger is sent alone

class KafkaSink : public Sink {
 public:
  KafkaSink(const UplinkOptions& options, const std::string& gateway, std::vector<Epoch> epochs)
      : options_(options),
        gateway_(gateway),
        identity_("wayside." + gateway + "." + options.name),
        epochs_(std::move(epochs)),
        marks_(options_, identity_, gateway + '.' + options.name,
               [this](int timeout_ms) { return at_most(timeout_ms); }) {}

  Result<Mark> open(const Mark& local) override {
    producer_.reset();
    Result<Mark> mark = connect_and_resume(local);
    // One that has found no broker tries each second, also while nobody asks it.
    if (!mark.ok()) producer_.reset();
    return mark;
  }

  bool has_backlog_lane() const override { return true; }

  Status deliver(std::span<const Message> messages, Mark& after) override {
    failure_.clear();
    WS_TRY(transact("begin", [&] { return rd_kafka_begin_transaction(producer_.get()); }));
    for (const Message& m : messages) {
      WS_ASSIGN(bool taken, produce(m));
      if (taken) continue;
      --after.delivered;
      ++after.dropped;
    }
    WS_TRY(send_mark(after));
    Status committed = transact("commit", [&] {
      return rd_kafka_commit_transaction(producer_.get(), at_most(kTransactionTimeoutMs));
    });
    if (committed.ok()) committed_ = under_way_;
    if (committed.ok() || failure_.empty()) return committed;
    return Error{committed.error().code, committed.error().message + "; " + failure_};
  }

 private:
  Result<Mark> connect_and_resume(const Mark& local) {
    WS_TRY(connect());
    WS_TRY(marks_.make_topic(producer_.get()));
    WS_TRY(resume("init_transactions", kInitTimeoutMs, [&](int timeout_ms) {
      return rd_kafka_init_transactions(producer_.get(), timeout_ms);
    }));
    WS_ASSIGN(const std::optional<Mark> remembered, remembered_mark());
    if (!remembered && local.delivered > 0 && !std::exchange(told_forgotten_, true)) {
      tell("Kafka has forgotten how far this uplink is; the store's own mark decides");
    }
    return resume_from(local, remembered, epochs_);
  }

  // The offset is of the gateway that came last under our name, or has expired; the record is of
  // our own epoch, and stays.
  Result<std::optional<Mark>> remembered_mark() {
    WS_ASSIGN(const std::string text, marks_.committed());
    const bool others = !text.empty() && text != committed_ && text != under_way_;
    if (std::exchange(fenced_, false) && others && !has_rival_) {
      has_rival_ = true;
      tell("another gateway delivers under the same id; both deliver in turn, and slowly");
    }
    committed_ = text;
    under_way_.clear();
    std::optional<Mark> mark = Mark::from_text(text);
    if (mark && mark->epoch == epochs_.back().name) return mark;
    WS_ASSIGN(const std::optional<Mark> record, marks_.newest_record(epochs_));
    if (record) return record;
    const bool ours = mark && std::any_of(epochs_.begin(), epochs_.end(),
                                          [&](const Epoch& e) { return e.name == mark->epoch; });
    if (ours) return mark;
    if (mark) {
      log_warn(
          "uplink {}: Kafka holds a mark of epoch {}, which is not of this store; it is ignored",
          options_.name, mark->epoch);
    }
    return std::optional<Mark>();
  }

  Status send_mark(const Mark& mark) {
    under_way_ = mark.to_text();
    const std::string key = marks_.key_of(mark.epoch);
    const auto error =
        rd_kafka_producev(producer_.get(), RD_KAFKA_V_TOPIC(options_.mark_topic.c_str()),
                          RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_KEY(key.data(), key.size()),
                          RD_KAFKA_V_VALUE(under_way_.data(), under_way_.size()),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return unavailable("writing the mark", error);
    Partitions offset =
        one_partition(options_.mark_topic, static_cast<int64_t>(mark.delivered), under_way_);
    GroupMetadata group(rd_kafka_consumer_group_metadata_new(identity_.c_str()));
    return transact("send mark", [&] {
      return rd_kafka_send_offsets_to_transaction(producer_.get(), offset.get(), group.get(),
                                                  at_most(kCallTimeoutMs));
    });
  }

  // A time-out, less when we are to end.
  int at_most(int timeout_ms) const {
    using std::chrono::milliseconds;
    const auto left = std::chrono::duration_cast<milliseconds>(time_left()).count();
    return static_cast<int>(std::clamp<int64_t>(left, 1, timeout_ms));
  }

  // Calls a function of the transactional API until it neither fails nor may be tried again. What
  // has taken too long is not: the broker has given up the transaction by then.
  template <class Call>
  Status transact(const char* what, Call call) {
    for (int attempt = 0;; ++attempt) {
      rd_kafka_error_t* error = call();
      if (!error) return {};
      const bool late = rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__TIMED_OUT;
      const bool retry =
          rd_kafka_error_is_retriable(error) && !late && attempt < kRetries && !must_end();
      if (!retry) return failed(what, error);
      rd_kafka_error_destroy(error);
    }
  }

  // The same with one that goes on in the background after a time-out, and is then called again.
  template <class Call>
  Status resume(const char* what, int timeout_ms, Call call) {
    const auto end = Clock::now() + std::chrono::milliseconds(timeout_ms);
    return transact(what, [&] {
      while (true) {
        rd_kafka_error_t* error = call(at_most(kSliceMs));
        const bool late = error && rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__TIMED_OUT;
        if (!late || must_end() || Clock::now() >= end) return error;
        rd_kafka_error_destroy(error);
      }
    });
  }

  bool must_end() const { return time_left() <= Clock::duration::zero(); }

  Error failed(const char* what, rd_kafka_error_t* error) {
    const auto code = rd_kafka_error_code(error);
    fenced_ |= code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
               code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
    std::string text = std::string("kafka: ") + what + ": " + rd_kafka_error_string(error);
    rd_kafka_error_destroy(error);
    return {ErrorCode::kUnavailable, std::move(text)};
  }

  // Called within the commit. It keeps the first failure, which tells why a topic cannot be
  // written.
  static void on_report(rd_kafka_t*, const rd_kafka_message_t* message, void* sink) {
    auto* self = static_cast<KafkaSink*>(sink);
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    const size_t size = message->len + message->key_len;
    if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && size > kRequestBytes) {
      self->largest_bytes_ = std::min(self->largest_bytes_, size - 1);
    }
    std::string& failure = self->failure_;
    if (!failure.empty()) return;
    failure = std::string("topic ") + rd_kafka_topic_name(message->rkt) + ": " +
              rd_kafka_err2str(message->err);
  }

  Status connect() {
    WS_ASSIGN(producer_, make_handle(Role::kProducer, options_, identity_, this, on_report));
    const struct rd_kafka_metadata* metadata = nullptr;  // nothing is begun without a live link
    const auto error =
        rd_kafka_metadata(producer_.get(), 0, nullptr, &metadata, at_most(kCallTimeoutMs));
    if (metadata) rd_kafka_metadata_destroy(metadata);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    return unavailable("no broker answers", error);
  }

  std::string topic_of(const Message& m) const {
    std::string topic = !m.waited                        ? options_.topic
                        : options_.backlog_topic.empty() ? options_.topic + ".backlog"
                                                         : options_.backlog_topic;
    const std::pair<const char*, const std::string&> parts[] = {
        {"{block}", m.block}, {"{key}", m.key}, {"{gateway}", gateway_}};
    for (const auto& [name, value] : parts) {
      const size_t at = topic.find(name);
      if (at != std::string::npos) topic.replace(at, std::strlen(name), value);
    }
    for (char& c : topic) {  // what Kafka's topics may not hold
      const bool good = is_name(std::string_view(&c, 1)) || c == '.';
      if (!good) c = '_';
    }
    if (topic.size() > kTopicBytesMax) topic.resize(kTopicBytesMax);
    return topic;
  }

  // CloudEvents 1.0, Kafka protocol binding, binary mode.
  rd_kafka_headers_t* headers_of(const Message& m) const {
    rd_kafka_headers_t* headers = rd_kafka_headers_new(11);
    auto add = [&](const char* name, const std::string& value) {
      rd_kafka_header_add(headers, name, -1, value.data(), static_cast<ssize_t>(value.size()));
    };
    add("ce_specversion", "1.0");
    add("ce_id", m.id);
    add("ce_source", "wayside/" + gateway_ + "/" + m.block);
    add("ce_type", "wayside." + m.type);
    if (!m.key.empty()) add("ce_subject", m.key);
    if (m.time_ms >= kPossibleMin && m.time_ms <= kPossibleMax)
      add("ce_time", format_rfc3339(m.time_ms));
    if (m.clock_unset) add("wayside_clock", to_text(ClockState::kUnset));
    if (m.cause.entry != 0) add("wayside_cause", to_text(m.cause));
    if (m.config != 0) add("wayside_config", version_digits(m.config));
    add("content-type",
        options_.format == ValueFormat::kJson ? "application/json" : "application/protobuf");
    return headers;
  }

  // Why the message would be refused for ever, and hold back all that follow it; "" if it is good.
  std::string refusal(const Message& m, const std::string& topic) const {
    if (topic.empty() || topic == "." || topic == "..") return "this is no name for a topic";
    const size_t size = m.key.size() + m.value.size();
    if (size <= largest_bytes_) return {};
    return "a message of " + std::to_string(size) + " bytes is too large";
  }

  // False: it is left out.
  Result<bool> produce(const Message& m) {
    using namespace std::chrono;
    const std::string topic = topic_of(m);
    if (const std::string why = refusal(m, topic); !why.empty()) {
      if (!std::exchange(told_refusal_, true)) {
        log_error("uplink {}: topic \"{}\": {}; {} is dropped, and so is what is like it",
                  options_.name, topic, why, m.id);
      }
      return false;
    }
    // Whatever our clock says, it is later than the build.
    const int64_t now_ms = std::max(
        build_date_ms(),
        int64_t{duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()});
    // Brokers refuse records from the future, and delete those that are older than a topic's
    // retention, also when they have just come; the true time stands in ce_time.
    const int64_t timestamp_ms = std::clamp<int64_t>(m.time_ms, now_ms - kOldestMs, now_ms);
    rd_kafka_headers_t* headers = headers_of(m);
    const auto give_up = Clock::now() + milliseconds(kCallTimeoutMs);
    while (true) {
      const auto error =
          rd_kafka_producev(producer_.get(), RD_KAFKA_V_TOPIC(topic.c_str()),
                            RD_KAFKA_V_KEY(m.key.data(), m.key.size()),
                            RD_KAFKA_V_VALUE(const_cast<char*>(m.value.data()), m.value.size()),
                            RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_TIMESTAMP(timestamp_ms),
                            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
      if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
      // What was delivered leaves the queue only when its report is taken.
      const bool full = error == RD_KAFKA_RESP_ERR__QUEUE_FULL;
      if (full && !must_end() && Clock::now() < give_up) {
        rd_kafka_poll(producer_.get(), 100);
        continue;
      }
      rd_kafka_headers_destroy(headers);
      return Error{ErrorCode::kUnavailable,
                   "kafka: topic " + topic + ": " + rd_kafka_err2str(error)};
    }
  }

  UplinkOptions options_;
  std::string gateway_;
  std::string identity_;  // transactional.id and group
  std::vector<Epoch> epochs_;
  std::string failure_;                      // of a message of this transaction
  size_t largest_bytes_ = kMessageBytesMax;  // less once a broker has refused so much
  bool told_refusal_ = false;
  bool told_forgotten_ = false;
  Marks marks_;
  std::string committed_;  // text of the last mark that we know to be committed,
  std::string under_way_;  // and of the last one that we sent
  bool fenced_ = false;    // since the last open()
  Handle producer_;
};

}  // namespace

std::unique_ptr<Sink> make_kafka_sink(const UplinkOptions& options, const std::string& gateway,
                                      std::vector<Epoch> epochs) {
  return std::make_unique<KafkaSink>(options, gateway, std::move(epochs));
}

}  // namespace wayside
