// SHA-256 by the processor's own instructions, where it has them.

#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether `tfast_sha256_blocks` works on this processor.
bool tfast_has_sha256(void);

/// Takes `count` blocks of 64 bytes into the eight words of `state`.
void tfast_sha256_blocks(uint32_t *_Nonnull state, const uint8_t *_Nonnull data, size_t count);
