#include "sensors/stream_input.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/asio.h"
#include "base/log.h"
#include "sensors/device.h"
#include "sensors/splitter.h"
#include "sensors/tcp_link.h"

namespace wayside {

// Where the reading of a file has stood.
struct FilePlace {
  dev_t device;
  ino_t inode;
  off_t offset;
};

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr size_t kReadBytes = 16 << 10;
constexpr auto kStreamConnectTimeout = std::chrono::seconds(10);
constexpr auto kFetchTime = milliseconds(5);  // of a medium, for a part of a file
// gpsd then sends the sentences of its receivers; what it says of itself begins with a brace, and
// is left out.
constexpr std::string_view kWatchNmea = "?WATCH={\"enable\":true,\"nmea\":true}\n";

std::optional<FilePlace> place_in(int fd, size_t bytes_before) {
  struct stat file {};
  const off_t offset = ::lseek(fd, 0, SEEK_CUR);
  if (offset < 0 || ::fstat(fd, &file) != 0) return std::nullopt;
  return FilePlace{file.st_dev, file.st_ino, offset - static_cast<off_t>(bytes_before)};
}

// Unless it is another file by now.
void go_on(int fd, const FilePlace& place) {
  struct stat file {};
  if (::fstat(fd, &file) != 0) return;
  const bool same = file.st_dev == place.device && file.st_ino == place.inode;
  if (same && file.st_size >= place.offset) ::lseek(fd, place.offset, SEEK_SET);
}

}  // namespace

// All that outlives a connection. What was begun by a connection that is closed by now may still
// end, and well: `attempt` tells it apart.
struct StreamInput::Core : InputPort, std::enable_shared_from_this<Core> {
  Core(asio::io_context& io_, const InputOptions& options_, uint32_t connection_,
       InputHandler handler_)
      : InputPort(io_, options_, connection_, std::move(handler_)),
        splitter(options_.split == Split::kLine, options_.max_payload_bytes,
                 url.kind == InputUrl::Kind::kGpsd ? std::optional('{') : std::nullopt),
        resolver(io_),
        tcp_socket(io_),
        udp_socket(io_),
        file(io_),
        timer(io_),
        quiet(io_),
        buffer(url.kind == InputUrl::Kind::kUdp ? kDatagramMax : kReadBytes, '\0') {}

  void open();
  void connect();
  void connected(error_code error);
  void listen();
  void opened(int fd);
  void ask_gpsd();
  void fail(const std::string& why);
  void close();
  void read();
  void read_stream();
  void read_datagram();
  void read_part(bool may_wait);
  void take(size_t n);
  void end();
  void await_pause();
  void take_pause();
  void send_messages();
  // A handler that does nothing once the connection is another one, or none.
  template <class Then>
  auto in_this(Then then) {
    return [self = shared_from_this(), now = attempt, then](error_code error, auto... more) {
      if (self->attempt == now && !self->has_ended) then(*self, error, more...);
    };
  }

  static constexpr size_t kDatagramMax = 64 << 10;

  Splitter splitter;
  TcpResolver resolver;
  TcpSocket tcp_socket;  // while it connects
  UdpSocket udp_socket;
  StreamDescriptor file;                // a connection that is open, or the serial port
  int plain_file = -1;                  // or one that is no matter for the event loop
  std::optional<FilePlace> stopped_at;  // of that, by an error; from its beginning all came twice
  SteadyTimer timer;                    // the limit of connecting, and the pause before it
  SteadyTimer quiet;
  std::string buffer;
  uint64_t attempt = 0;
  bool is_reading = false;
  bool has_ended = false;
};

// ---- connections

void StreamInput::Core::open() {
  splitter.reset();
  switch (url.kind) {
    case InputUrl::Kind::kUdp:
      return listen();
    case InputUrl::Kind::kSerial: {
      const int fd = open_serial(url.path, options.baud);
      return fd < 0 ? fail(std::strerror(errno)) : opened(fd);
    }
    case InputUrl::Kind::kFile: {
      const int fd = open_input_file(url.path);
      return fd < 0 ? fail(std::strerror(errno)) : opened(fd);
    }
    default:
      return connect();
  }
}

void StreamInput::Core::connect() {
  timer.expires_after(kStreamConnectTimeout);
  timer.async_wait(in_this([](Core& core, error_code error) {
    if (!error) core.fail("no answer within 10 s");
  }));
  resolve(resolver, url.host, url.port,
          in_this([](Core& core, error_code error, const TcpResolver::results_type& endpoints) {
            if (error) return core.fail(error.message());
            const auto then =
                core.in_this([](Core& self, error_code failed) { self.connected(failed); });
            asio::async_connect(core.tcp_socket, endpoints,
                                [then](error_code failed, const tcp::endpoint&) { then(failed); });
          }));
}

void StreamInput::Core::connected(error_code error) {
  if (!error) keep_alive(tcp_socket);
  const int fd = error ? -1 : tcp_socket.release(error);
  error ? fail(error.message()) : opened(fd);
}

void StreamInput::Core::listen() {
  error_code error;
  const auto address = asio::ip::make_address(url.host, error);
  if (!error) udp_socket.open(address.is_v6() ? udp::v6() : udp::v4(), error);
  if (!error) udp_socket.bind({address, url.port}, error);
  error ? fail(error.message()) : opened(-1);
}

// `fd` is ours now; -1: the datagrams' socket.
void StreamInput::Core::opened(int fd) {
  ++attempt;  // what limited the way here is over
  timer.cancel();
  if (fd >= 0 && !is_stream(fd)) {
    plain_file = fd;
    if (stopped_at) go_on(fd, *stopped_at);
    stopped_at.reset();
  } else if (fd >= 0) {
    error_code error;
    file.assign(fd, error);
    if (error) {
      ::close(fd);
      return fail(error.message());
    }
  }
  ++counters.connects;
  counters.connected = true;
  last_trouble.clear();
  log_info("input {}: {} is open", options.name, options.url);
  url.kind == InputUrl::Kind::kGpsd ? ask_gpsd() : read();
}

void StreamInput::Core::ask_gpsd() {
  asio::async_write(file, asio::buffer(kWatchNmea),
                    in_this([](Core& core, error_code error, size_t) {
                      error ? core.fail(error.message()) : core.read();
                    }));
}

void StreamInput::Core::fail(const std::string& why) {
  close();
  tell_trouble(why, options.retry_ms);
  timer.expires_after(milliseconds(options.retry_ms));
  timer.async_wait(in_this([](Core& core, error_code error) {
    if (!error) core.open();
  }));
}

void StreamInput::Core::close() {
  ++attempt;
  error_code ignored;
  counters.connected = false;
  timer.cancel();
  quiet.cancel();
  resolver.cancel();
  tcp_socket.close(ignored);
  udp_socket.close(ignored);
  // Whoever else has our standard input open expects it as it was.
  if (file.is_open() && url.path == "-") file.native_non_blocking(false, ignored);
  file.close(ignored);
  if (plain_file >= 0) ::close(std::exchange(plain_file, -1));
  is_reading = false;
}

// ---- bytes

void StreamInput::Core::read() {
  if (is_reading || is_full || has_ended || !counters.connected) return;
  is_reading = true;
  if (plain_file >= 0) return read_part(false);
  url.kind == InputUrl::Kind::kUdp ? read_datagram() : read_stream();
}

void StreamInput::Core::read_stream() {
  file.async_read_some(asio::buffer(buffer), in_this([](Core& core, error_code error, size_t n) {
                         core.is_reading = false;
                         if (error == asio::error::eof) return core.end();
                         if (!error) return core.take(n);
                         core.take_pause();  // what came before is whole
                         core.fail(error.message());
                       }));
}

// In turns with all else that happens on this thread; what is not in memory yet is waited for once.
void StreamInput::Core::read_part(bool may_wait) {
  const ssize_t n = read_file(plain_file, buffer.data(), buffer.size(), may_wait);
  const bool is_fetched = n < 0 && errno == EAGAIN && !may_wait;
  if (n < 0 && !is_fetched) {
    const std::string why = std::strerror(errno);
    stopped_at = place_in(plain_file, splitter.held_bytes());
    return fail(why);
  }
  timer.expires_after(is_fetched ? kFetchTime : milliseconds(0));
  timer.async_wait(in_this([n, is_fetched](Core& core, error_code error) {
    if (error) return;
    if (is_fetched) return core.read_part(true);
    core.is_reading = false;
    n == 0 ? core.end() : core.take(static_cast<size_t>(n));
  }));
}

void StreamInput::Core::take(size_t n) {
  splitter.add({buffer.data(), n});
  send_messages();
  await_pause();
  read();
}

// A connection is made again; a file has been read.
void StreamInput::Core::end() {
  const bool is_file = url.kind == InputUrl::Kind::kFile;
  if (is_file) splitter.add("\n");  // its last line may do without one
  take_pause();
  if (!is_file) return fail("it has ended");
  close();
  log_info("input {}: {} was read to its end", options.name, options.url);
}

// A pause is one of the line: while we do not read there is none.
void StreamInput::Core::await_pause() {
  if (!splitter.holds_burst()) return;
  quiet.expires_after(milliseconds(options.quiet_ms));
  quiet.async_wait(in_this([](Core& core, error_code error) {
    if (!error && !core.is_full) core.take_pause();
  }));
}

void StreamInput::Core::take_pause() {
  splitter.pause();
  send_messages();
}

void StreamInput::Core::read_datagram() {
  udp_socket.async_receive(asio::buffer(buffer),
                           in_this([](Core& core, error_code error, size_t n) {
                             core.is_reading = false;
                             if (error) return core.fail(error.message());
                             Splitter::Message message{{core.buffer.data(), n}, false};
                             if (n > core.options.max_payload_bytes) message = {{}, true};
                             core.send(core.options.topic, {&message, 1});
                             core.read();
                           }));
}

void StreamInput::Core::send_messages() { send(options.topic, splitter.take()); }

// ---- its user

StreamInput::StreamInput(std::shared_ptr<Core> core) : Input(core), core_(std::move(core)) {}

std::unique_ptr<Input> StreamInput::make(asio::io_context& io, const InputOptions& options,
                                         uint32_t connection, InputHandler handler) {
  auto core = std::make_shared<Core>(io, options, connection, std::move(handler));
  return std::unique_ptr<Input>(new StreamInput(std::move(core)));
}

StreamInput::~StreamInput() { StreamInput::stop(); }

void StreamInput::start() { core_->open(); }

void StreamInput::resume() {
  asio::post(core_->io, [core = core_] {
    core->is_full = false;
    core->await_pause();
    core->read();
  });
}

void StreamInput::stop() {
  if (core_->has_ended) return;
  core_->take_pause();
  core_->has_ended = true;
  core_->close();
}

}  // namespace wayside
