import Glibc

/// Runs `body` without what a library writes to standard error while it starts: TensorFlow a dozen
/// lines about the machine, LiteRT one. They come where TF_CPP_MIN_LOG_LEVEL asks for them.
func withoutChatter<Result>(_ body: () throws -> Result) rethrows -> Result {
  guard getenv("TF_CPP_MIN_LOG_LEVEL") == nil else { return try body() }
  setenv("TF_CPP_MIN_LOG_LEVEL", "3", 0)
  let standardError = dup(STDERR_FILENO)
  let nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC)
  // Two lines come before TensorFlow looks at the variable.
  if standardError >= 0, nowhere >= 0 { dup2(nowhere, STDERR_FILENO) }
  defer {
    if standardError >= 0 { dup2(standardError, STDERR_FILENO) }
    for descriptor in [standardError, nowhere] where descriptor >= 0 { close(descriptor) }
  }
  return try body()
}
