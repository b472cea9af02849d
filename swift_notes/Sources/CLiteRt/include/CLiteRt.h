// What is used of LiteRT's C interface, found in an opened library.
//
// Handles are opaque; the few structures are declared as LiteRT lays them out.
// Source: LiteRT 2.3, litert/c/litert_*.h (Apache 2.0); tried with 2.1.6, 2.2.0 and 2.3.0.

#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct LiteRtEnvironmentT *LiteRtEnvironment;
typedef struct LiteRtModelT *LiteRtModel;
typedef struct LiteRtSignatureT *LiteRtSignature;
typedef struct LiteRtTensorT *LiteRtTensor;
typedef struct LiteRtOptionsT *LiteRtOptions;
typedef struct LiteRtOpaqueOptionsT *LiteRtOpaqueOptions;
typedef struct LiteRtCompiledModelT *LiteRtCompiledModel;
typedef struct LiteRtTensorBufferT *LiteRtTensorBuffer;

// 0 for success.
typedef int LiteRtStatus;

enum { LITERT_FLOAT32 = 1, LITERT_INT32 = 2, LITERT_UINT8 = 3 };
enum { LITERT_HOST_MEMORY = 1 };
enum { LITERT_LOCK_READ = 0, LITERT_LOCK_WRITE = 1 };
enum { LITERT_MAX_RANK = 8 };

typedef struct LiteRtTensorType {
  int element_type;
  unsigned int rank : 7;
  bool has_strides : 1;
  int32_t dimensions[LITERT_MAX_RANK];
  uint32_t strides[LITERT_MAX_RANK];
} LiteRtTensorType;

typedef struct LiteRtEnvironmentOption {
  int tag;
  struct {
    int type;
    int64_t integer;
  } value;
} LiteRtEnvironmentOption;

// Functions by their names without "LiteRt".
typedef struct LiteRt {
  LiteRtStatus (*_Nonnull CreateEnvironment)(int option_count,
                                             const LiteRtEnvironmentOption *_Nonnull,
                                             LiteRtEnvironment _Nullable *_Nonnull);
  LiteRtStatus (*_Nonnull CreateModelFromFile)(LiteRtEnvironment _Nonnull,
                                               const char *_Nonnull path,
                                               LiteRtModel _Nullable *_Nonnull);
  void (*_Nonnull DestroyModel)(LiteRtModel _Nonnull);
  LiteRtStatus (*_Nonnull GetNumModelSignatures)(LiteRtModel _Nonnull, size_t *_Nonnull);
  LiteRtStatus (*_Nonnull GetModelSignature)(LiteRtModel _Nonnull, size_t number,
                                             LiteRtSignature _Nullable *_Nonnull);
  LiteRtStatus (*_Nonnull GetSignatureKey)(LiteRtSignature _Nonnull,
                                           const char *_Nullable *_Nonnull);
  LiteRtStatus (*_Nonnull GetNumSignatureInputs)(LiteRtSignature _Nonnull, size_t *_Nonnull);
  LiteRtStatus (*_Nonnull GetNumSignatureOutputs)(LiteRtSignature _Nonnull, size_t *_Nonnull);
  LiteRtStatus (*_Nonnull GetSignatureInputName)(LiteRtSignature _Nonnull, size_t number,
                                                 const char *_Nullable *_Nonnull);
  LiteRtStatus (*_Nonnull GetSignatureOutputName)(LiteRtSignature _Nonnull, size_t number,
                                                  const char *_Nullable *_Nonnull);
  LiteRtStatus (*_Nonnull GetSignatureInputTensorByIndex)(LiteRtSignature _Nonnull, size_t number,
                                                          LiteRtTensor _Nullable *_Nonnull);
  LiteRtStatus (*_Nonnull GetSignatureOutputTensorByIndex)(LiteRtSignature _Nonnull,
                                                           size_t number,
                                                           LiteRtTensor _Nullable *_Nonnull);
  LiteRtStatus (*_Nonnull GetRankedTensorType)(LiteRtTensor _Nonnull,
                                               LiteRtTensorType *_Nonnull);
  LiteRtStatus (*_Nonnull CreateOptions)(LiteRtOptions _Nullable *_Nonnull);
  void (*_Nonnull DestroyOptions)(LiteRtOptions _Nonnull);
  LiteRtStatus (*_Nonnull SetOptionsHardwareAccelerators)(LiteRtOptions _Nonnull, int);
  LiteRtStatus (*_Nonnull CreateOpaqueOptions)(const char *_Nonnull identifier,
                                               void *_Nonnull content,
                                               void (*_Nonnull destroy)(void *_Nullable),
                                               LiteRtOpaqueOptions _Nullable *_Nonnull);
  LiteRtStatus (*_Nonnull AddOpaqueOptions)(LiteRtOptions _Nonnull,
                                            LiteRtOpaqueOptions _Nonnull);
  LiteRtStatus (*_Nonnull CreateCompiledModel)(LiteRtEnvironment _Nonnull, LiteRtModel _Nonnull,
                                               LiteRtOptions _Nonnull,
                                               LiteRtCompiledModel _Nullable *_Nonnull);
  void (*_Nonnull DestroyCompiledModel)(LiteRtCompiledModel _Nonnull);
  LiteRtStatus (*_Nonnull CompiledModelResizeInputTensor)(LiteRtCompiledModel _Nonnull,
                                                          size_t signature, size_t input,
                                                          const int *_Nonnull shape, size_t rank);
  LiteRtStatus (*_Nonnull CreateManagedTensorBuffer)(LiteRtEnvironment _Nonnull, int kind,
                                                     const LiteRtTensorType *_Nonnull,
                                                     size_t bytes,
                                                     LiteRtTensorBuffer _Nullable *_Nonnull);
  void (*_Nonnull DestroyTensorBuffer)(LiteRtTensorBuffer _Nonnull);
  LiteRtStatus (*_Nonnull LockTensorBuffer)(LiteRtTensorBuffer _Nonnull,
                                            void *_Nullable *_Nonnull memory, int mode);
  LiteRtStatus (*_Nonnull UnlockTensorBuffer)(LiteRtTensorBuffer _Nonnull);
  LiteRtStatus (*_Nonnull RunCompiledModel)(LiteRtCompiledModel _Nonnull, size_t signature,
                                            size_t input_count,
                                            LiteRtTensorBuffer _Nullable *_Nonnull inputs,
                                            size_t output_count,
                                            LiteRtTensorBuffer _Nullable *_Nonnull outputs);
  LiteRtStatus (*_Nonnull CompiledModelGetErrorMessages)(LiteRtCompiledModel _Nonnull,
                                                         char *_Nullable *_Nonnull);
  LiteRtStatus (*_Nonnull CompiledModelClearErrors)(LiteRtCompiledModel _Nonnull);
  // Not called. LiteRT 2.1.0 lacks it, whose CreateModelFromFile takes no environment.
  void (*_Nonnull RunCompiledModelWithOptions)(void);
} LiteRt;

// Fills `found` from an opened library. Gives the name of a function that it lacks, or null.
const char *_Nullable tfast_find_litert(void *_Nonnull library, LiteRt *_Nonnull found);

// An environment for the processor alone: no library for a GPU is searched for, and nothing is
// logged.
LiteRtStatus tfast_litert_environment(const LiteRt *_Nonnull,
                                      LiteRtEnvironment _Nullable *_Nonnull);

// Options to compile a model with: for the processor, its errors kept for
// CompiledModelGetErrorMessages.
//
// threads: for one call; 0 leaves it to LiteRT.
LiteRtStatus tfast_litert_options(const LiteRt *_Nonnull, int threads,
                                  LiteRtOptions _Nullable *_Nonnull);

// How many dimensions a type has, and the length of one: below 0 where any is taken.
unsigned int tfast_litert_rank(const LiteRtTensorType *_Nonnull);
int tfast_litert_dimension(const LiteRtTensorType *_Nonnull, unsigned int number);

// A type of this shape; rank is LITERT_MAX_RANK at most.
LiteRtTensorType tfast_litert_type(int element_type, const int *_Nonnull shape, size_t rank);
