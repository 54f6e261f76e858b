//===- driver.c - runs kernels of ingot-math-check under an emulator ------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads blocks of {index, count, element size, x[], y[]} from standard input,
// and writes kernels[index](x, y) to standard output. Needs no C library, so
// that it links for AArch64 without a sysroot.
//
//===----------------------------------------------------------------------===//
typedef long Int;
typedef void Kernel(const void *x, const void *y, void *out, Int count);
extern Kernel *const kernels[];

enum { Read = 63, Write = 64, Exit = 93, MaxBytes = 1 << 24 };

static char x[MaxBytes], y[MaxBytes], out[MaxBytes];

static Int syscall(Int number, Int a, Int b, Int c) {
  register Int x8 __asm__("x8") = number;
  register Int x0 __asm__("x0") = a;
  register Int x1 __asm__("x1") = b;
  register Int x2 __asm__("x2") = c;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  return x0;
}

/// Moves all bytes, or says how many there were before the end.
static Int transfer(Int call, Int file, char *data, Int size) {
  Int done = 0;
  while (done < size) {
    Int moved = syscall(call, file, (Int)(data + done), size - done);
    if (moved <= 0)
      break;
    done += moved;
  }
  return done;
}

static Int run(void) {
  Int header[3];
  Int got;
  while ((got = transfer(Read, 0, (char *)header, sizeof header)) != 0) {
    Int size = header[1] * header[2];
    if (got != sizeof header || size > MaxBytes ||
        transfer(Read, 0, x, size) != size ||
        transfer(Read, 0, y, size) != size)
      return 1;
    kernels[header[0]](x, y, out, header[1]);
    if (transfer(Write, 1, out, size) != size)
      return 1;
  }
  return 0;
}

void _start(void) {
  syscall(Exit, run(), 0, 0);
  __builtin_unreachable();
}
