//===- Image.cpp ----------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/Image.h"

#include "tools/ingot/Messages.h"
#include "tools/ingot/Options.h"

#include "ingot/ingot.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <cmath>

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_PNM
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_MAX_DIMENSIONS 16384
#include <stb/stb_image.h>
#define STB_IMAGE_RESIZE_STATIC
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#include <stb/stb_image_resize.h>
#pragma clang diagnostic pop

using namespace ingot;
using llvm::StringRef;

namespace {
/// 8 bits a channel, rows without gaps.
struct Pixels {
  int width = 0, height = 0, channels = 0;
  std::vector<uint8_t> bytes;
};

/// What the input asks of an image.
struct Wanted {
  int width = 0, height = 0, channels = 0;
  bool channelsLast = false;
};
} // namespace

bool ingot::isImageName(StringRef path) {
  std::string ending = llvm::sys::path::extension(path).lower();
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg" ||
         ending == ".ppm" || ending == ".pgm" || ending == ".bmp";
}

static bool isChannels(int64_t dim) { return dim == 1 || dim == 3 || dim == 4; }

/// The size of images that the input takes.
static llvm::Expected<Wanted> wantedBy(const TensorFacts &input,
                                       const QuantizeOptions &options) {
  size_t rank = input.dims.size();
  if ((rank != 3 && rank != 4) ||
      (input.dtype != INGOT_FLOAT32 && input.dtype != INGOT_UINT8))
    return failure(6104, "input " + quoted(input.name) +
                             " takes no images: it is no float or uint8 tensor "
                             "of 3 or 4 dimensions; give an .npz file");
  const int64_t *dims = input.dims.data() + (rank - 3);
  Wanted wanted;
  wanted.channelsLast =
      options.layout == "nhwc" ||
      (options.layout.empty() && !isChannels(dims[0]) && isChannels(dims[2]));
  int64_t channels = dims[wanted.channelsLast ? 2 : 0];
  int64_t height = dims[wanted.channelsLast ? 0 : 1];
  int64_t width = dims[wanted.channelsLast ? 1 : 2];
  if (channels < 0)
    channels = 3;
  if (!isChannels(channels))
    return failure(6104, "input " + quoted(input.name) + " has " +
                             llvm::Twine(channels) +
                             " channels, and images have 1, 3 or 4; --layout "
                             "says which dimension they are");
  if (options.imageWidth) {
    if ((width >= 0 && width != options.imageWidth) ||
        (height >= 0 && height != options.imageHeight))
      return failure(6104, "input " + quoted(input.name) + " takes images of " +
                               llvm::Twine(width) + "x" + llvm::Twine(height) +
                               ", which --image-size contradicts");
    width = options.imageWidth;
    height = options.imageHeight;
  }
  if (width <= 0 || height <= 0)
    return failure(6104, "input " + quoted(input.name) +
                             " leaves the size of images open; give it by "
                             "--image-size=WIDTHxHEIGHT");
  wanted.width = int(width);
  wanted.height = int(height);
  wanted.channels = int(channels);
  return wanted;
}

static llvm::Expected<Pixels> decode(StringRef path, int channels) {
  auto buffer = llvm::MemoryBuffer::getFile(path, false, false);
  if (!buffer)
    return failure(6006, "cannot read " + quoted(path) + ": " +
                             buffer.getError().message());
  StringRef bytes = (*buffer)->getBuffer();
  Pixels image;
  int found = 0;
  stbi_uc *data = bytes.size() > INT_MAX
                      ? nullptr
                      : stbi_load_from_memory(
                            reinterpret_cast<const stbi_uc *>(bytes.data()),
                            int(bytes.size()), &image.width, &image.height,
                            &found, channels);
  if (!data) {
    const char *reason = stbi_failure_reason();
    return failure(6104, quoted(path) + " is no image that can be read: " +
                             (reason ? reason : "it is too large"));
  }
  image.channels = channels;
  image.bytes.assign(data, data + size_t(image.width) * size_t(image.height) *
                                      size_t(channels));
  stbi_image_free(data);
  return image;
}

static Pixels resized(const Pixels &from, int width, int height) {
  if (from.width == width && from.height == height)
    return from;
  Pixels to{width, height, from.channels, {}};
  to.bytes.resize(size_t(width) * size_t(height) * size_t(from.channels));
  stbir_resize_uint8(from.bytes.data(), from.width, from.height, 0,
                     to.bytes.data(), width, height, 0, from.channels);
  return to;
}

/// Places an image in the middle of a canvas, cutting what is beyond it.
static Pixels placed(const Pixels &from, int width, int height, uint8_t fill) {
  Pixels to{width, height, from.channels, {}};
  to.bytes.assign(size_t(width) * size_t(height) * size_t(from.channels), fill);
  int left = (width - from.width) / 2, top = (height - from.height) / 2;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      int fx = x - left, fy = y - top;
      if (fx < 0 || fy < 0 || fx >= from.width || fy >= from.height)
        continue;
      for (int c = 0; c < from.channels; ++c)
        to.bytes[(size_t(y) * size_t(width) + size_t(x)) *
                     size_t(from.channels) +
                 size_t(c)] =
            from.bytes[(size_t(fy) * size_t(from.width) + size_t(fx)) *
                           size_t(from.channels) +
                       size_t(c)];
    }
  return to;
}

static Pixels fitted(const Pixels &image, const Wanted &wanted, StringRef how) {
  if (how == "stretch")
    return resized(image, wanted.width, wanted.height);
  double across = double(wanted.width) / image.width;
  double down = double(wanted.height) / image.height;
  bool isCrop = how == "crop";
  double scale = isCrop ? std::max(across, down) : std::min(across, down);
  int width = std::max(1, int(std::lround(image.width * scale)));
  int height = std::max(1, int(std::lround(image.height * scale)));
  if (isCrop) {
    width = std::max(width, wanted.width);
    height = std::max(height, wanted.height);
  }
  if (width > 65536 || height > 65536)
    return resized(image, wanted.width, wanted.height);
  return placed(resized(image, width, height), wanted.width, wanted.height,
                114);
}

static double entry(const std::vector<double> &list, int channel,
                    double otherwise) {
  if (list.empty())
    return otherwise;
  return list[std::min(size_t(channel), list.size() - 1)];
}

llvm::Expected<Tensor> ingot::readImageSample(StringRef path,
                                              const TensorFacts &input,
                                              const QuantizeOptions &options) {
  auto wanted = wantedBy(input, options);
  if (!wanted)
    return wanted.takeError();
  auto image = decode(path, wanted->channels);
  if (!image)
    return image.takeError();
  Pixels pixels = fitted(*image, *wanted, options.fit);
  Tensor tensor;
  tensor.name = input.name;
  tensor.dtype = input.dtype;
  if (input.dims.size() == 4)
    tensor.dims.push_back(1);
  int64_t w = wanted->width, h = wanted->height, c = wanted->channels;
  if (wanted->channelsLast)
    tensor.dims.insert(tensor.dims.end(), {h, w, c});
  else
    tensor.dims.insert(tensor.dims.end(), {c, h, w});
  bool isFloat = input.dtype == INGOT_FLOAT32;
  tensor.data.resize(size_t(w * h * c) * (isFloat ? sizeof(float) : 1));
  for (int64_t y = 0; y < h; ++y)
    for (int64_t x = 0; x < w; ++x)
      for (int64_t k = 0; k < c; ++k) {
        // --mean and --std are in the order of the channels as read: RGB.
        int64_t source =
            options.channelOrder == "bgr" && c >= 3 && k < 3 ? 2 - k : k;
        uint8_t pixel = pixels.bytes[size_t((y * w + x) * c + source)];
        size_t at = size_t(wanted->channelsLast ? (y * w + x) * c + k
                                                : (k * h + y) * w + x);
        if (!isFloat) {
          tensor.data[at] = char(pixel);
          continue;
        }
        float value = float(
            (pixel / options.divisor - entry(options.mean, int(source), 0)) /
            entry(options.deviation, int(source), 1));
        memcpy(&tensor.data[at * sizeof(float)], &value, sizeof(float));
      }
  return tensor;
}
