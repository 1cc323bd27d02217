#include "sensors/input.h"

#include <fcntl.h>
#include <termios.h>

#include <chrono>
#include <cstring>

#include "base/asio.h"
#include "base/clock.h"
#include "base/log.h"
#include "sensors/input_url.h"
#include "sensors/splitter.h"

namespace wayside {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr size_t kReadBytes = 16 << 10;
constexpr auto kConnectTimeout = std::chrono::seconds(10);
// gpsd then sends the sentences of its receivers; what it says of itself begins with a brace.
constexpr std::string_view kWatchNmea = "?WATCH={\"enable\":true,\"nmea\":true}\n";

constexpr std::pair<uint32_t, speed_t> kSpeeds[] = {
    {1200, B1200},   {2400, B2400},   {4800, B4800},     {9600, B9600},     {19200, B19200},
    {38400, B38400}, {57600, B57600}, {115200, B115200}, {230400, B230400}, {460800, B460800}};

// Opens it raw, with eight bits and no parity, as receivers send. -1: errno says why.
int open_serial(const std::string& device, uint32_t baud) {
  const int fd = ::open(device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return fd;
  termios settings{};
  (void)::tcgetattr(fd, &settings);  // what is no terminal cannot be set either
  ::cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL | CREAD;
  settings.c_cflag &= ~static_cast<tcflag_t>(CRTSCTS | CSTOPB);
  for (const auto& [rate, speed] : kSpeeds) {
    if (rate == baud) ::cfsetspeed(&settings, speed);
  }
  if (::tcsetattr(fd, TCSANOW, &settings) == 0) {
    ::tcflush(fd, TCIFLUSH);
    return fd;
  }
  const int why = errno;
  ::close(fd);
  errno = why;
  return -1;
}

}  // namespace

bool is_serial_speed(uint32_t baud) {
  for (const auto& speed : kSpeeds) {
    if (speed.first == baud) return true;
  }
  return false;
}

// All that outlives a connection. What was begun by a connection that is closed by now may still
// end, and well: `attempt` tells it apart.
struct Input::Core : std::enable_shared_from_this<Core> {
  Core(asio::io_context& io_, const InputOptions& options_, uint32_t connection_, Handler handler_)
      : io(io_),
        options(options_),
        url(*parse_input_url(options_.url)),
        connection(connection_),
        handler(std::move(handler_)),
        splitter(!options_.burst, options_.max_payload_bytes),
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
  void await_pause();
  void take_pause();
  void send(const std::vector<Splitter::Message>& messages);
  // A handler that does nothing once the connection is another one, or none.
  template <class Then>
  auto in_this(Then then) {
    return [self = shared_from_this(), now = attempt, then](error_code error, auto... more) {
      if (self->attempt == now && !self->has_ended) then(*self, error, more...);
    };
  }

  static constexpr size_t kDatagramMax = 64 << 10;

  asio::io_context& io;
  const InputOptions options;
  const InputUrl url;
  const uint32_t connection;
  const Handler handler;
  InputCounters counters;
  Splitter splitter;
  TcpResolver resolver;
  TcpSocket tcp_socket;  // while it connects
  UdpSocket udp_socket;
  StreamDescriptor file;  // a connection that is open, or the serial port
  SteadyTimer timer;      // the limit of connecting, and the pause before it
  SteadyTimer quiet;
  std::string buffer;
  std::string last_trouble;  // told once
  uint64_t attempt = 0;
  bool is_reading = false;
  bool is_full = false;
  bool has_ended = false;
};

// ---- connections

void Input::Core::open() {
  splitter.reset();
  switch (url.kind) {
    case InputUrl::Kind::kUdp:
      return listen();
    case InputUrl::Kind::kSerial: {
      const int fd = open_serial(url.device, options.baud);
      return fd < 0 ? fail(std::strerror(errno)) : opened(fd);
    }
    default:
      return connect();
  }
}

void Input::Core::connect() {
  timer.expires_after(kConnectTimeout);
  timer.async_wait(in_this([](Core& core, error_code error) {
    if (!error) core.fail("no answer within 10 s");
  }));
  resolver.async_resolve(
      url.host, std::to_string(url.port),
      in_this([](Core& core, error_code error, const TcpResolver::results_type& endpoints) {
        if (error) return core.fail(error.message());
        const auto then =
            core.in_this([](Core& self, error_code failed) { self.connected(failed); });
        asio::async_connect(core.tcp_socket, endpoints,
                            [then](error_code failed, const tcp::endpoint&) { then(failed); });
      }));
}

void Input::Core::connected(error_code error) {
  error_code ignored;
  if (!error) tcp_socket.set_option(asio::socket_base::keep_alive(true), ignored);
  const int fd = error ? -1 : tcp_socket.release(error);
  error ? fail(error.message()) : opened(fd);
}

void Input::Core::listen() {
  error_code error;
  const auto address = asio::ip::make_address(url.host, error);
  if (!error) udp_socket.open(address.is_v6() ? udp::v6() : udp::v4(), error);
  if (!error) udp_socket.bind({address, url.port}, error);
  error ? fail(error.message()) : opened(-1);
}

// `fd` is ours now; -1: the datagrams' socket.
void Input::Core::opened(int fd) {
  ++attempt;  // what limited the way here is over
  timer.cancel();
  if (fd >= 0) {
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

void Input::Core::ask_gpsd() {
  asio::async_write(file, asio::buffer(kWatchNmea),
                    in_this([](Core& core, error_code error, size_t) {
                      error ? core.fail(error.message()) : core.read();
                    }));
}

void Input::Core::fail(const std::string& why) {
  close();
  if (why != last_trouble) {
    log_warn("input {}: {}: {}; trying again every {} s", options.name, options.url, why,
             double(options.retry_ms) / 1e3);
  }
  last_trouble = why;
  timer.expires_after(milliseconds(options.retry_ms));
  timer.async_wait(in_this([](Core& core, error_code error) {
    if (!error) core.open();
  }));
}

void Input::Core::close() {
  ++attempt;
  error_code ignored;
  counters.connected = false;
  timer.cancel();
  quiet.cancel();
  resolver.cancel();
  tcp_socket.close(ignored);
  udp_socket.close(ignored);
  file.close(ignored);
  is_reading = false;
}

// ---- bytes

void Input::Core::read() {
  if (is_reading || is_full || has_ended || !counters.connected) return;
  is_reading = true;
  url.kind == InputUrl::Kind::kUdp ? read_datagram() : read_stream();
}

void Input::Core::read_stream() {
  file.async_read_some(
      asio::buffer(buffer), in_this([](Core& core, error_code error, size_t n) {
        core.is_reading = false;
        if (error) {
          core.take_pause();  // what came before is whole
          return core.fail(error == asio::error::eof ? "it has ended" : error.message());
        }
        core.splitter.add({core.buffer.data(), n});
        core.send(core.splitter.take());
        core.await_pause();
        core.read();
      }));
}

// A pause is one of the line: while we do not read there is none.
void Input::Core::await_pause() {
  if (!splitter.holds_burst()) return;
  quiet.expires_after(milliseconds(options.quiet_ms));
  quiet.async_wait(in_this([](Core& core, error_code error) {
    if (!error && !core.is_full) core.take_pause();
  }));
}

void Input::Core::take_pause() {
  splitter.pause();
  send(splitter.take());
}

void Input::Core::read_datagram() {
  udp_socket.async_receive(asio::buffer(buffer),
                           in_this([](Core& core, error_code error, size_t n) {
                             core.is_reading = false;
                             if (error) return core.fail(error.message());
                             Splitter::Message message{{core.buffer.data(), n}, false};
                             if (n > core.options.max_payload_bytes) message = {{}, true};
                             core.send({message});
                             core.read();
                           }));
}

// In one chunk: the topic, then the messages.
void Input::Core::send(const std::vector<Splitter::Message>& messages) {
  if (messages.empty()) return;
  const bool is_gpsd = url.kind == InputUrl::Kind::kGpsd;
  const auto is_said_of_itself = [&](const Splitter::Message& m) {
    return is_gpsd && m.text.starts_with('{');
  };
  size_t bytes = options.topic.size();
  for (const Splitter::Message& m : messages) bytes += m.text.size();
  auto chunk = std::make_unique<Chunk>(bytes);
  const std::string_view topic(chunk->bytes.get(), options.topic.size());
  char* to = std::copy(options.topic.begin(), options.topic.end(), chunk->bytes.get());
  for (const Splitter::Message& m : messages) {
    if (is_said_of_itself(m)) continue;
    Frame frame;
    frame.topic = topic;
    frame.payload = {to, m.text.size()};
    if (m.is_oversized) frame.fault = Frame::Fault::kOversized;
    to = std::copy(m.text.begin(), m.text.end(), to);
    chunk->frames.push_back(frame);
  }
  if (chunk->frames.empty()) return;
  chunk->connection = connection;
  chunk->read_ms = boot_clock_ms();
  counters.messages += chunk->frames.size();
  is_full = !handler(std::move(chunk));
}

// ---- its user

Input::Input(asio::io_context& io, const InputOptions& options, uint32_t connection,
             Handler handler)
    : core_(std::make_shared<Core>(io, options, connection, std::move(handler))) {}

Input::~Input() { stop(); }

void Input::start() { core_->open(); }

void Input::resume() {
  asio::post(core_->io, [core = core_] {
    core->is_full = false;
    core->await_pause();
    core->read();
  });
}

void Input::stop() {
  if (core_->has_ended) return;
  core_->take_pause();
  core_->has_ended = true;
  core_->close();
}

const InputOptions& Input::options() const { return core_->options; }

const InputCounters& Input::counters() const { return core_->counters; }

}  // namespace wayside
