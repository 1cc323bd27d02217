// A short list of ids that is read like an array, grows at its end and shrinks at its front. Two of
// them need no memory of their own, which is all that most keys ever have.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

namespace wayside {

class IdList {
 public:
  IdList() = default;
  IdList(IdList&& other) noexcept { *this = std::move(other); }
  IdList& operator=(IdList&& other) noexcept {
    std::swap(begin_, other.begin_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(store_, other.store_);
    return *this;
  }
  ~IdList() {
    if (capacity_ > kInline) delete[] store_.heap;
  }

  uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  uint32_t operator[](uint32_t i) const { return ids()[begin_ + i]; }
  uint32_t back() const { return (*this)[size_ - 1]; }
  const uint32_t* begin() const { return ids() + begin_; }
  const uint32_t* end() const { return begin() + size_; }

  void push_back(uint32_t id) { insert(size_, id); }
  void insert(uint32_t at, uint32_t id) {
    if (begin_ + size_ == capacity_) make_room();
    uint32_t* place = ids() + begin_ + at;
    std::memmove(place + 1, place, (size_ - at) * sizeof(uint32_t));
    *place = id;
    ++size_;
  }
  void pop_front() {
    ++begin_;
    if (--size_ == 0) begin_ = 0;
  }
  void pop_back() { erase(size_ - 1); }
  void erase(uint32_t at) {
    uint32_t* place = ids() + begin_ + at;
    std::memmove(place, place + 1, (size_ - at - 1) * sizeof(uint32_t));
    if (--size_ == 0) begin_ = 0;
  }
  void clear() { *this = IdList(); }

 private:
  static constexpr uint32_t kInline = 2;
  uint32_t* ids() { return capacity_ > kInline ? store_.heap : store_.here; }
  const uint32_t* ids() const { return capacity_ > kInline ? store_.heap : store_.here; }

  // At the end of the memory: moves to its begin where half of it is free, else takes more.
  void make_room() {
    const uint32_t* from = ids() + begin_;
    if (begin_ > 0 && begin_ >= capacity_ / 2) {
      std::memmove(ids(), from, size_ * sizeof(uint32_t));
    } else {
      const uint32_t capacity = capacity_ + std::max(capacity_ / 2, kInline);
      auto* heap = new uint32_t[capacity];
      std::memcpy(heap, from, size_ * sizeof(uint32_t));
      if (capacity_ > kInline) delete[] store_.heap;
      store_.heap = heap;
      capacity_ = capacity;
    }
    begin_ = 0;
  }

  uint32_t begin_ = 0;
  uint32_t size_ = 0;
  uint32_t capacity_ = kInline;
  union Store {
    uint32_t here[kInline];
    uint32_t* heap;
  } store_{};
};

}  // namespace wayside
