// The beginning of onnxruntime's C interface, as far as it is used here.
//
// Its table of functions only ever grows at its end, so the places below hold for every version
// from the one that is asked for. Source: onnxruntime 1.17, onnxruntime_c_api.h (MIT licence).

#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct OrtStatus OrtStatus;
typedef struct OrtEnv OrtEnv;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtRunOptions OrtRunOptions;
typedef struct OrtValue OrtValue;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtAllocator OrtAllocator;
typedef struct OrtTensorTypeAndShapeInfo OrtTensorTypeAndShapeInfo;

enum { ORT_API_VERSION = 17 };
enum { ORT_LOGGING_LEVEL_ERROR = 3 };
enum { ORT_ARENA_ALLOCATOR = 1, ORT_MEMORY_DEFAULT = 0 };
enum { ORT_FLOAT = 1, ORT_UINT8 = 2, ORT_INT32 = 6 };

// What functions answer: null for success.
typedef OrtStatus *_Nullable OrtAnswer;
// Functions between those that are used.
typedef void *_Nullable OrtUnused;

typedef struct OrtApi {
  OrtUnused unused_0[2];
  const char *_Nonnull (*_Nonnull GetErrorMessage)(const OrtStatus *_Nonnull);  // 2
  OrtAnswer (*_Nonnull CreateEnv)(int level, const char *_Nonnull name,
                                  OrtEnv *_Nullable *_Nonnull);  // 3
  OrtUnused unused_4[3];
  OrtAnswer (*_Nonnull CreateSession)(const OrtEnv *_Nonnull, const char *_Nonnull path,
                                      const OrtSessionOptions *_Nonnull,
                                      OrtSession *_Nullable *_Nonnull);  // 7
  OrtUnused unused_8;
  OrtAnswer (*_Nonnull Run)(OrtSession *_Nonnull, const OrtRunOptions *_Nullable,
                            const char *_Nullable const *_Nonnull input_names,
                            const OrtValue *_Nullable const *_Nonnull inputs, size_t input_count,
                            const char *_Nullable const *_Nonnull output_names,
                            size_t output_count,
                            OrtValue *_Nullable *_Nonnull outputs);  // 9
  OrtAnswer (*_Nonnull CreateSessionOptions)(OrtSessionOptions *_Nullable *_Nonnull);  // 10
  OrtUnused unused_11[13];
  OrtAnswer (*_Nonnull SetIntraOpNumThreads)(OrtSessionOptions *_Nonnull, int);  // 24
  OrtUnused unused_25[5];
  OrtAnswer (*_Nonnull SessionGetInputCount)(const OrtSession *_Nonnull,
                                             size_t *_Nonnull);  // 30
  OrtAnswer (*_Nonnull SessionGetOutputCount)(const OrtSession *_Nonnull,
                                              size_t *_Nonnull);  // 31
  OrtUnused unused_32[4];
  OrtAnswer (*_Nonnull SessionGetInputName)(const OrtSession *_Nonnull, size_t number,
                                            OrtAllocator *_Nonnull,
                                            char *_Nullable *_Nonnull);  // 36
  OrtAnswer (*_Nonnull SessionGetOutputName)(const OrtSession *_Nonnull, size_t number,
                                             OrtAllocator *_Nonnull,
                                             char *_Nullable *_Nonnull);  // 37
  OrtUnused unused_38[11];
  OrtAnswer (*_Nonnull CreateTensorWithDataAsOrtValue)(const OrtMemoryInfo *_Nonnull,
                                                       void *_Nullable data, size_t bytes,
                                                       const int64_t *_Nonnull shape,
                                                       size_t rank, int type,
                                                       OrtValue *_Nullable *_Nonnull);  // 49
  OrtUnused unused_50;
  OrtAnswer (*_Nonnull GetTensorMutableData)(OrtValue *_Nonnull,
                                             void *_Nullable *_Nonnull);  // 51
  OrtUnused unused_52[8];
  OrtAnswer (*_Nonnull GetTensorElementType)(const OrtTensorTypeAndShapeInfo *_Nonnull,
                                             int *_Nonnull);  // 60
  OrtAnswer (*_Nonnull GetDimensionsCount)(const OrtTensorTypeAndShapeInfo *_Nonnull,
                                           size_t *_Nonnull);  // 61
  OrtAnswer (*_Nonnull GetDimensions)(const OrtTensorTypeAndShapeInfo *_Nonnull,
                                      int64_t *_Nonnull, size_t rank);  // 62
  OrtUnused unused_63[2];
  OrtAnswer (*_Nonnull GetTensorTypeAndShape)(
      const OrtValue *_Nonnull, OrtTensorTypeAndShapeInfo *_Nullable *_Nonnull);  // 65
  OrtUnused unused_66[3];
  OrtAnswer (*_Nonnull CreateCpuMemoryInfo)(int allocator, int memory,
                                            OrtMemoryInfo *_Nullable *_Nonnull);  // 69
  OrtUnused unused_70[6];
  OrtAnswer (*_Nonnull AllocatorFree)(OrtAllocator *_Nonnull, void *_Nullable);  // 76
  OrtUnused unused_77;
  OrtAnswer (*_Nonnull GetAllocatorWithDefaultOptions)(
      OrtAllocator *_Nullable *_Nonnull);  // 78
  OrtUnused unused_79[13];
  void (*_Nonnull ReleaseEnv)(OrtEnv *_Nullable);                                      // 92
  void (*_Nonnull ReleaseStatus)(OrtStatus *_Nullable);                                // 93
  void (*_Nonnull ReleaseMemoryInfo)(OrtMemoryInfo *_Nullable);                        // 94
  void (*_Nonnull ReleaseSession)(OrtSession *_Nullable);                              // 95
  void (*_Nonnull ReleaseValue)(OrtValue *_Nullable);                                  // 96
  OrtUnused unused_97[2];
  void (*_Nonnull ReleaseTensorTypeAndShapeInfo)(OrtTensorTypeAndShapeInfo *_Nullable);  // 99
  void (*_Nonnull ReleaseSessionOptions)(OrtSessionOptions *_Nullable);                // 100
  OrtUnused unused_101[29];
  OrtAnswer (*_Nonnull AddSessionConfigEntry)(OrtSessionOptions *_Nonnull,
                                              const char *_Nonnull key,
                                              const char *_Nonnull value);  // 130
} OrtApi;

typedef struct OrtApiBase {
  const OrtApi *_Nullable (*_Nonnull GetApi)(uint32_t version);
  const char *_Nonnull (*_Nonnull GetVersionString)(void);
} OrtApiBase;

// The type of the one function that the library exports, OrtGetApiBase.
typedef const OrtApiBase *_Nullable (*OrtGetApiBaseFunction)(void);
