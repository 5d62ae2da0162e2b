//! The media driver in threads of this process.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rusteron_media_driver::bindings::aeron_threading_mode_enum;
use rusteron_media_driver::{AeronCError, AeronDriver, AeronDriverContext, AeronIdleStrategyKind, IntoCString as _};
use shmark_peer::kit::implementation::{OpResult, Refusal};
use shmark_peer::protocol::ErrorClass;

use crate::refusal;

/// A driver that ends, and whose folder goes, when this is dropped.
pub struct Driver {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<(), AeronCError>>>,
    folder: PathBuf,
}

impl Driver {
    pub fn launch(folder: &Path) -> OpResult<Self> {
        if folder.exists() {
            let native = format!("a server is there: {}", folder.display());
            return Err(Refusal::Error { class: ErrorClass::AlreadyExists, native, setting: None });
        }
        let context = context(folder).map_err(|error| refusal(&error))?;
        let (stop, thread) = AeronDriver::launch_embedded(context, false);
        Ok(Self { stop, thread: Some(thread), folder: folder.to_owned() })
    }
}

fn context(folder: &Path) -> Result<AeronDriverContext, AeronCError> {
    let context = AeronDriverContext::new()?;
    context.set_dir(&folder.to_string_lossy().as_ref().into_c_string())?;
    context.set_dir_delete_on_shutdown(true)?;
    // One thread that sleeps is enough for two streams, and leaves the processors to the peers.
    context.set_threading_mode(aeron_threading_mode_enum::AERON_THREADING_MODE_SHARED)?;
    context.set_shared_idle_strategy_kind(AeronIdleStrategyKind::Backoff)?;
    // As its own benchmarks.
    context.set_term_buffer_sparse_file(false)?;
    Ok(context)
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // What it says about its end changes nothing any more.
            let _ = thread.join();
        }
        // What is left of it.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
