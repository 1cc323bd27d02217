// Kafka, each message exactly once. A transaction carries a batch and our mark, the mark as the
// metadata of a committed offset of group wayside.<gateway>.<uplink>; so either both are there or
// neither. Whatever goes wrong, the way back is the same: a new producer under the same
// transactional.id fences the old one and finishes what it left, and only then the mark is read,
// which tells what was delivered.
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "base/held_time.h"
#include "base/log.h"
#include "base/text.h"
#include "uplink/sink.h"

namespace wayside {
namespace {

constexpr int kTransactionTimeoutMs = 15'000;
constexpr int kInitTimeoutMs = 30'000;
constexpr int kCallTimeoutMs = 10'000;
constexpr int kSliceMs = 500;  // calls that may be resumed look this often whether we are to end
constexpr int kRetries = 5;
constexpr size_t kTopicBytesMax = 249;  // Kafka's
constexpr size_t kMessageBytesMax = 8 << 20;
constexpr size_t kRequestBytes = 1'000'000;  // of librdkafka: what is larger is sent alone

template <class T, void (*destroy)(T*)>
struct Destroy {
  void operator()(T* object) const { destroy(object); }
};
template <class T, void (*destroy)(T*)>
using Owned = std::unique_ptr<T, Destroy<T, destroy>>;
using Handle = Owned<rd_kafka_t, rd_kafka_destroy>;
using Partitions = Owned<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy>;
using GroupMetadata =
    Owned<rd_kafka_consumer_group_metadata_t, rd_kafka_consumer_group_metadata_destroy>;

using Conf = Owned<rd_kafka_conf_t, rd_kafka_conf_destroy>;

using Settings = std::vector<std::pair<std::string, std::string>>;

// What is ours to set, for a producer and for a consumer; the user's options may not.
Settings own_settings(rd_kafka_type_t type, const std::string& identity, const std::string& brokers,
                      uint64_t batch_bytes) {
  // All of a batch has to fit, or producing would wait for reports that come only with the commit.
  const uint64_t queue_kbytes = std::max<uint64_t>(16'384, 2 * batch_bytes / 1024 + 1);
  Settings own{{"bootstrap.servers", brokers}, {"client.id", identity}};
  if (type == RD_KAFKA_CONSUMER) {
    own.insert(own.end(), {{"group.id", identity},
                           {"enable.auto.commit", "false"},
                           {"isolation.level", "read_committed"}});
    return own;
  }
  own.insert(own.end(),
             {{"transactional.id", identity},
              {"enable.idempotence", "true"},
              {"acks", "all"},
              {"transaction.timeout.ms", std::to_string(kTransactionTimeoutMs)},
              {"message.timeout.ms", std::to_string(kTransactionTimeoutMs - 3'000)},
              // Below that, or a missing topic would only be told as a time-out.
              {"topic.metadata.propagation.max.ms", std::to_string(kTransactionTimeoutMs - 5'000)},
              // librdkafka waits this long when the former transaction is not quite over.
              {"retry.backoff.ms", "5"},
              {"linger.ms", "0"},
              {"compression.type", "lz4"},
              {"partitioner", "murmur2_random"},  // as Java's, so that joins meet
              {"message.max.bytes", std::to_string(kMessageBytesMax)},
              {"queue.buffering.max.kbytes", std::to_string(queue_kbytes)}});
  return own;
}

// With the settings of topics, which it would otherwise make room for with the first of them.
Conf new_conf() {
  Conf conf(rd_kafka_conf_new());
  rd_kafka_conf_set_default_topic_conf(conf.get(), rd_kafka_topic_conf_new());
  return conf;
}

std::optional<std::string> value_of(const Conf& conf, const std::string& name) {
  char text[512];
  size_t size = sizeof text;
  if (rd_kafka_conf_get(conf.get(), name.c_str(), text, &size) != RD_KAFKA_CONF_OK) return {};
  return std::string(text);
}

// Whether setting it sets one of ours: librdkafka has further names for some of them.
bool is_ours(const std::string& name, const Conf& conf) {
  const Conf untouched = new_conf();
  for (rd_kafka_type_t type : {RD_KAFKA_PRODUCER, RD_KAFKA_CONSUMER}) {
    for (const auto& [own, value] : own_settings(type, "", "", 0)) {
      if (name == own || value_of(conf, own) != value_of(untouched, own)) return true;
    }
  }
  return false;
}

void on_log(const rd_kafka_t* handle, int level, const char* facility, const char* text) {
  (void)handle;
  if (level <= 4) log_debug("kafka: {}: {}", facility, text);  // errors come back from the calls
}

Partitions one_partition(const std::string& topic, int64_t offset, const std::string& metadata) {
  Partitions list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_t* p = rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), 0);
  p->offset = offset;
  if (!metadata.empty()) {
    p->metadata = strdup(metadata.c_str());
    p->metadata_size = metadata.size();
  }
  return list;
}

class KafkaSink : public Sink {
 public:
  KafkaSink(const UplinkOptions& options, const std::string& gateway, std::vector<Epoch> epochs)
      : options_(options),
        gateway_(gateway),
        identity_("wayside." + gateway + "." + options.name),
        epochs_(std::move(epochs)) {}

  Result<Mark> open(const Mark& local) override {
    producer_.reset();
    WS_TRY(connect());
    WS_TRY(make_mark_topic());
    WS_TRY(resume("init_transactions", kInitTimeoutMs, [&](int timeout_ms) {
      return rd_kafka_init_transactions(producer_.get(), timeout_ms);
    }));
    WS_ASSIGN(std::optional<Mark> remembered, read_mark());
    if (!remembered) return local;
    const std::optional<Mark> ours = in_last_epoch(*remembered, epochs_);
    if (!ours) {
      log_warn(
          "uplink {}: Kafka holds a mark of epoch {}, which is not of this store; it is ignored",
          options_.name, remembered->epoch);
      return local;
    }
    return ours->delivered + ours->dropped >= local.delivered + local.dropped ? *ours : local;
  }

  Status deliver(std::span<const Message> messages, Mark& after) override {
    failure_.clear();
    WS_TRY(transact("begin", [&] { return rd_kafka_begin_transaction(producer_.get()); }));
    for (const Message& m : messages) {
      WS_ASSIGN(bool taken, produce(m));
      if (taken) continue;
      --after.delivered;
      ++after.dropped;
    }
    Partitions mark =
        one_partition(options_.mark_topic, static_cast<int64_t>(after.delivered), after.to_text());
    GroupMetadata group(rd_kafka_consumer_group_metadata_new(identity_.c_str()));
    WS_TRY(transact("send mark", [&] {
      return rd_kafka_send_offsets_to_transaction(producer_.get(), mark.get(), group.get(),
                                                  at_most(kCallTimeoutMs));
    }));
    Status committed = transact("commit", [&] {
      return rd_kafka_commit_transaction(producer_.get(), at_most(kTransactionTimeoutMs));
    });
    if (committed.ok() || failure_.empty()) return committed;
    return Error{committed.error().code, committed.error().message + "; " + failure_};
  }

 private:
  // A time-out, less when we are to end.
  int at_most(int timeout_ms) const {
    using std::chrono::milliseconds;
    const auto left = std::chrono::duration_cast<milliseconds>(time_left()).count();
    return static_cast<int>(std::clamp<int64_t>(left, 1, timeout_ms));
  }

  // Calls a function of the transactional API until it neither fails nor may be tried again.
  template <class Call>
  Status transact(const char* what, Call call) {
    for (int attempt = 0;; ++attempt) {
      rd_kafka_error_t* error = call();
      if (!error) return {};
      const bool retry = rd_kafka_error_is_retriable(error) && attempt < kRetries && !must_end();
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

  static Error failed(const char* what, rd_kafka_error_t* error) {
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

  Result<Handle> make_handle(rd_kafka_type_t type) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    char why[512];
    std::string brokers;
    for (const std::string& b : options_.brokers) brokers += (brokers.empty() ? "" : ",") + b;
    Settings all = options_.options;
    const Settings own = own_settings(type, identity_, brokers, options_.batch_bytes);
    all.insert(all.end(), own.begin(), own.end());
    for (const auto& [name, value] : all) {
      if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why, sizeof why) ==
          RD_KAFKA_CONF_OK) {
        continue;
      }
      rd_kafka_conf_destroy(conf);
      return Error{ErrorCode::kConfig, "uplink " + options_.name + ": " + why};
    }
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_opaque(conf, this);
    if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_t* handle = rd_kafka_new(type, conf, why, sizeof why);
    if (handle) return Handle(handle);
    rd_kafka_conf_destroy(conf);
    return Error{ErrorCode::kInternal, std::string("kafka: ") + why};
  }

  Status connect() {
    WS_ASSIGN(producer_, make_handle(RD_KAFKA_PRODUCER));
    const struct rd_kafka_metadata* metadata = nullptr;  // nothing is begun without a live link
    const auto error =
        rd_kafka_metadata(producer_.get(), 0, nullptr, &metadata, at_most(kCallTimeoutMs));
    if (metadata) rd_kafka_metadata_destroy(metadata);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    return Error{ErrorCode::kUnavailable,
                 "kafka: no broker answers: " + std::string(rd_kafka_err2str(error))};
  }

  // Offsets can only be committed for a topic that exists. It stays empty.
  Status make_mark_topic() {
    char why[256];
    Owned<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy> topic(
        rd_kafka_NewTopic_new(options_.mark_topic.c_str(), 1, -1, why, sizeof why));
    if (!topic) return Error{ErrorCode::kConfig, std::string("mark_topic: ") + why};
    Owned<rd_kafka_queue_t, rd_kafka_queue_destroy> queue(rd_kafka_queue_new(producer_.get()));
    rd_kafka_NewTopic_t* topics[] = {topic.get()};
    rd_kafka_CreateTopics(producer_.get(), topics, 1, nullptr, queue.get());
    Owned<rd_kafka_event_t, rd_kafka_event_destroy> event(
        rd_kafka_queue_poll(queue.get(), at_most(kCallTimeoutMs)));
    if (!event) return Error{ErrorCode::kUnavailable, "kafka: making the mark topic: no answer"};
    // Whether it is there now, or was, or may not be made by us, shows in the first transaction.
    return {};
  }

  // With a consumer that never subscribes. (The Admin API's ListConsumerGroupOffsets of
  // librdkafka 2.0.2 can crash when the broker goes away meanwhile.)
  Result<std::optional<Mark>> read_mark() {
    WS_ASSIGN(Handle consumer, make_handle(RD_KAFKA_CONSUMER));
    Partitions list = one_partition(options_.mark_topic, RD_KAFKA_OFFSET_INVALID, "");
    auto error = rd_kafka_committed(consumer.get(), list.get(), at_most(kCallTimeoutMs));
    const rd_kafka_topic_partition_t& p = list->elems[0];
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = p.err;
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return Error{ErrorCode::kUnavailable,
                   std::string("kafka: reading the mark: ") + rd_kafka_err2str(error)};
    }
    if (p.offset < 0) return std::optional<Mark>();
    return Mark::from_text({static_cast<const char*>(p.metadata), p.metadata_size});
  }

  std::string topic_of(const Message& m) const {
    std::string topic = options_.topic;
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
    rd_kafka_headers_t* headers = rd_kafka_headers_new(9);
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
    // Brokers refuse records from the future; the true time stands in ce_time.
    const int64_t timestamp_ms = std::clamp<int64_t>(m.time_ms, 0, now_ms);
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
  Handle producer_;
};

}  // namespace

Status check_kafka_option(const std::string& name, const std::string& value) {
  const Conf conf = new_conf();
  char why[512];
  const bool set = rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why, sizeof why) ==
                   RD_KAFKA_CONF_OK;
  if (is_ours(name, conf)) return Error{ErrorCode::kConfig, "is set by wayside itself"};
  if (!set) return Error{ErrorCode::kConfig, why};
  return {};
}

std::unique_ptr<Sink> make_kafka_sink(const UplinkOptions& options, const std::string& gateway,
                                      std::vector<Epoch> epochs) {
  return std::make_unique<KafkaSink>(options, gateway, std::move(epochs));
}

}  // namespace wayside
