// What the Kafka sink needs of librdkafka; nothing but its files includes this.
#pragma once

#include <librdkafka/rdkafka.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "uplink/options.h"

namespace wayside::kafka {

constexpr int kTransactionTimeoutMs = 15'000;
constexpr int kCallTimeoutMs = 10'000;
constexpr size_t kMessageBytesMax = 8 << 20;

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

using Settings = std::vector<std::pair<std::string, std::string>>;

// A time-out in milliseconds, cut when we are to end soon.
using AtMost = std::function<int(int timeout_ms)>;

enum class Role { kProducer, kCommittedReader, kAnyReader };

// A producer of transactions, or a consumer that sees what is committed, or everything. `identity`
// is its transactional.id or group. Delivery reports go to `on_report`, with `opaque`.
Result<Handle> make_handle(Role role, const UplinkOptions& options, const std::string& identity,
                           void* opaque = nullptr,
                           void (*on_report)(rd_kafka_t*, const rd_kafka_message_t*,
                                             void*) = nullptr);

Partitions one_partition(const std::string& topic, int64_t offset,
                         const std::string& metadata = "");

Error unavailable(const std::string& what, rd_kafka_resp_err_t error);

}  // namespace wayside::kafka
