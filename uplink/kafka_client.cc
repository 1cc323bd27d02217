#include "uplink/kafka_client.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/log.h"
#include "uplink/sink.h"

namespace wayside {
namespace kafka {
namespace {

using Conf = Owned<rd_kafka_conf_t, rd_kafka_conf_destroy>;

// A dead link is to be noticed, and one that is back to be used, in seconds. The user's options go
// before these.
Settings link_settings() {
  return {{"socket.keepalive.enable", "true"},
          {"socket.timeout.ms", "10000"},
          {"socket.connection.setup.timeout.ms", "10000"},
          {"reconnect.backoff.ms", "3000"},
          {"reconnect.backoff.max.ms", "10000"}};
}

// What is ours to set; the user's options may not.
Settings own_settings(Role role, const std::string& identity, const std::string& brokers,
                      uint64_t batch_bytes) {
  // All of a batch has to fit, or producing would wait for reports that come only with the commit.
  const uint64_t queue_kbytes = std::max<uint64_t>(16'384, 2 * batch_bytes / 1024 + 1);
  Settings own{{"bootstrap.servers", brokers}, {"client.id", identity}};
  if (role != Role::kProducer) {
    const bool all = role == Role::kAnyReader;
    own.insert(own.end(), {{"group.id", identity},
                           {"enable.auto.commit", "false"},
                           {"enable.partition.eof", "true"},
                           {"isolation.level", all ? "read_uncommitted" : "read_committed"}});
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
  for (Role role : {Role::kProducer, Role::kCommittedReader}) {
    for (const auto& [own, value] : own_settings(role, "", "", 0)) {
      if (name == own || value_of(conf, own) != value_of(untouched, own)) return true;
    }
  }
  return false;
}

void on_log(const rd_kafka_t*, int, const char* facility, const char* text) {
  // Also what the option "debug" asks for. Errors come back from the calls.
  log_debug("kafka: {}: {}", facility, text);
}

}  // namespace

Result<Handle> make_handle(Role role, const UplinkOptions& options, const std::string& identity,
                           void* opaque,
                           void (*on_report)(rd_kafka_t*, const rd_kafka_message_t*, void*)) {
  Conf conf(rd_kafka_conf_new());
  char why[512];
  std::string brokers;
  for (const std::string& b : options.brokers) brokers += (brokers.empty() ? "" : ",") + b;
  Settings all = link_settings();
  all.insert(all.end(), options.options.begin(), options.options.end());
  const Settings own = own_settings(role, identity, brokers, options.batch_bytes);
  all.insert(all.end(), own.begin(), own.end());
  for (const auto& [name, value] : all) {
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why, sizeof why) !=
        RD_KAFKA_CONF_OK) {
      return Error{ErrorCode::kConfig, "uplink " + options.name + ": " + why};
    }
  }
  rd_kafka_conf_set_log_cb(conf.get(), on_log);
  rd_kafka_conf_set_opaque(conf.get(), opaque);
  if (on_report) rd_kafka_conf_set_dr_msg_cb(conf.get(), on_report);
  const auto type = role == Role::kProducer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
  rd_kafka_t* handle = rd_kafka_new(type, conf.get(), why, sizeof why);
  if (!handle) return Error{ErrorCode::kInternal, std::string("kafka: ") + why};
  (void)conf.release();  // the handle has taken it
  return Handle(handle);
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

Error unavailable(const std::string& what, rd_kafka_resp_err_t error) {
  return {ErrorCode::kUnavailable, "kafka: " + what + ": " + rd_kafka_err2str(error)};
}

}  // namespace kafka

Status check_kafka_option(const std::string& name, const std::string& value) {
  const kafka::Conf conf = kafka::new_conf();
  char why[512];
  const bool set = rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why, sizeof why) ==
                   RD_KAFKA_CONF_OK;
  if (kafka::is_ours(name, conf)) return Error{ErrorCode::kConfig, "is set by wayside itself"};
  if (!set) return Error{ErrorCode::kConfig, why};
  return {};
}

}  // namespace wayside
