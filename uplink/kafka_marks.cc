#include "uplink/kafka_marks.h"

#include <chrono>
#include <string_view>

namespace wayside::kafka {
namespace {

using NewTopic = Owned<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy>;
using Queue = Owned<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using Event = Owned<rd_kafka_event_t, rd_kafka_event_destroy>;
using KafkaMessage = Owned<rd_kafka_message_t, rd_kafka_message_destroy>;

constexpr int kPollMs = 500;

// Small segments: only those that are full are compacted.
constexpr std::pair<const char*, const char*> kTopicSettings[] = {
    {"cleanup.policy", "compact"}, {"segment.bytes", "4194304"}, {"segment.ms", "86400000"}};

std::string_view text_of(const void* bytes, size_t size) {
  return {static_cast<const char*>(bytes), bytes ? size : 0};
}

}  // namespace

Status Marks::make_topic(rd_kafka_t* producer) const {
  char why[256];
  NewTopic topic(rd_kafka_NewTopic_new(options_.mark_topic.c_str(), 1, -1, why, sizeof why));
  if (!topic) return Error{ErrorCode::kConfig, std::string("mark_topic: ") + why};
  for (const auto& [name, value] : kTopicSettings)
    rd_kafka_NewTopic_set_config(topic.get(), name, value);
  Queue queue(rd_kafka_queue_new(producer));
  rd_kafka_NewTopic_t* topics[] = {topic.get()};
  rd_kafka_CreateTopics(producer, topics, 1, nullptr, queue.get());
  Event event(rd_kafka_queue_poll(queue.get(), at_most_(kCallTimeoutMs)));
  if (!event) return Error{ErrorCode::kUnavailable, "kafka: making the mark topic: no answer"};
  return {};
}

// With a consumer that never subscribes. (The Admin API's ListConsumerGroupOffsets of librdkafka
// 2.0.2 can crash when the broker goes away meanwhile.)
Result<std::string> Marks::committed() const {
  WS_ASSIGN(Handle consumer, make_handle(Role::kCommittedReader, options_, identity_));
  Partitions list = one_partition(options_.mark_topic, RD_KAFKA_OFFSET_INVALID);
  auto error = rd_kafka_committed(consumer.get(), list.get(), at_most_(kCallTimeoutMs));
  const rd_kafka_topic_partition_t& p = list->elems[0];
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = p.err;
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return unavailable("reading the mark", error);
  return p.offset < 0 ? std::string() : std::string(text_of(p.metadata, p.metadata_size));
}

// Behind everything, also what belongs to transactions that are still open: a reader of what is
// committed does not get past the first of those, and our record may lie behind it.
Result<int64_t> Marks::end_of_topic() const {
  WS_ASSIGN(Handle reader, make_handle(Role::kAnyReader, options_, identity_));
  int64_t low = 0;
  int64_t high = 0;
  const auto error = rd_kafka_query_watermark_offsets(reader.get(), options_.mark_topic.c_str(), 0,
                                                      &low, &high, at_most_(kCallTimeoutMs));
  if (error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
      error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) {
    return int64_t{0};
  }
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return unavailable("the mark topic's end", error);
  return low == high ? 0 : high;
}

Result<std::optional<Mark>> Marks::newest_record(const std::vector<Epoch>& epochs) const {
  using Clock = std::chrono::steady_clock;
  std::vector<std::optional<Mark>> found(epochs.size());
  WS_ASSIGN(const int64_t end, end_of_topic());
  WS_ASSIGN(Handle consumer, make_handle(Role::kCommittedReader, options_, identity_));
  Partitions from = one_partition(options_.mark_topic, RD_KAFKA_OFFSET_BEGINNING);
  rd_kafka_poll_set_consumer(consumer.get());
  auto error = end > 0 ? rd_kafka_assign(consumer.get(), from.get()) : RD_KAFKA_RESP_ERR_NO_ERROR;
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return unavailable("reading the mark topic", error);
  auto heard = Clock::now();
  for (int64_t at = 0; at < end;) {
    const auto silence = std::chrono::milliseconds(at_most_(2 * kTransactionTimeoutMs));
    if (Clock::now() - heard >= silence)
      return unavailable("reading the mark topic", RD_KAFKA_RESP_ERR__TIMED_OUT);
    KafkaMessage record(rd_kafka_consumer_poll(consumer.get(), at_most_(kPollMs)));
    if (!record) continue;
    if (record->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      at = record->offset;  // less than `end` while a transaction is open; it is told again
      continue;
    }
    if (record->err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;  // it goes on trying by itself
    heard = Clock::now();
    at = record->offset + 1;
    const std::string_view key = text_of(record->key, record->key_len);
    for (size_t i = 0; i < epochs.size(); ++i) {
      if (key != key_of(epochs[i].name)) continue;
      if (auto mark = Mark::from_text(text_of(record->payload, record->len))) found[i] = mark;
    }
  }
  for (size_t i = epochs.size(); i-- > 0;) {
    if (found[i]) return found[i];
  }
  return std::optional<Mark>();
}

}  // namespace wayside::kafka
