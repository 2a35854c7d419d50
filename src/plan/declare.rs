//! Declarations of buffers.

use std::sync::Arc;

use bytemuck::cast_slice;

use crate::error::Error;
use crate::layout::{ShaderStruct, StructLayout};

/// The identifier of a buffer of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferId(pub(crate) usize);

/// The contents of a buffer before the first plan runs.
#[derive(Clone, Debug)]
pub enum Contents {
    /// Zeros.
    Zero,
    /// These words, replica after replica.
    Words(Arc<[u32]>),
}

/// The type of a buffer's words.
#[derive(Clone, Copy, Debug)]
pub enum Elements {
    /// Numbers.
    F32,
    /// Counts, labels, packed bytes.
    U32,
    /// Structs that the shaders declare too.
    Struct(StructLayout),
}

/// The declaration of one buffer.
#[derive(Clone, Debug)]
pub struct BufferSpec {
    /// Its name.
    pub name: String,
    /// The number of four-byte words: for one replica, or in all where the buffer is shared.
    pub words: usize,
    /// The type of the words.
    pub elements: Elements,
    /// Whether all replicas read the same words.
    pub shared: bool,
    /// The contents at the start.
    pub contents: Contents,
}

/// The buffers of a program under construction.
#[derive(Default)]
pub(super) struct Declare {
    buffers: Vec<BufferSpec>,
}

impl Declare {
    /// Declares `words` zeros for each replica.
    pub(super) fn zeros(
        &mut self,
        name: impl Into<String>,
        elements: Elements,
        words: usize,
    ) -> BufferId {
        self.push(BufferSpec {
            name: name.into(),
            words,
            elements,
            shared: false,
            contents: Contents::Zero,
        })
    }

    /// Declares `words` floats for each replica, zero at the start.
    pub(super) fn floats(&mut self, name: impl Into<String>, words: usize) -> BufferId {
        self.zeros(name, Elements::F32, words)
    }

    /// Declares `words` integers for each replica, zero at the start.
    pub(super) fn integers(&mut self, name: impl Into<String>, words: usize) -> BufferId {
        self.zeros(name, Elements::U32, words)
    }

    /// Declares `count` structs for each replica, zero at the start.
    pub(super) fn zeroed<T: ShaderStruct>(
        &mut self,
        name: impl Into<String>,
        count: usize,
    ) -> BufferId {
        self.zeros(
            name,
            Elements::Struct(T::LAYOUT),
            count * size_of::<T>() / 4,
        )
    }

    /// Declares `count` structs for each replica; `structs` are their contents, replica after replica.
    pub(super) fn structs<T: ShaderStruct>(
        &mut self,
        name: impl Into<String>,
        structs: &[T],
        count: usize,
    ) -> BufferId {
        self.push(BufferSpec {
            name: name.into(),
            words: count * size_of::<T>() / 4,
            elements: Elements::Struct(T::LAYOUT),
            shared: false,
            contents: Contents::Words(cast_slice(structs).into()),
        })
    }

    /// Declares numbers for each replica that no kernel changes.
    pub(super) fn settings<const N: usize>(
        &mut self,
        name: impl Into<String>,
        settings: &[[f32; N]],
    ) -> BufferId {
        self.push(BufferSpec {
            name: name.into(),
            words: N,
            elements: Elements::F32,
            shared: false,
            contents: Contents::Words(cast_slice(settings).into()),
        })
    }

    /// Declares structs that all replicas read.
    pub(super) fn table<T: ShaderStruct>(
        &mut self,
        name: impl Into<String>,
        structs: &[T],
    ) -> BufferId {
        let words: Arc<[u32]> = cast_slice(structs).into();
        self.push_shared(name.into(), Elements::Struct(T::LAYOUT), words)
    }

    /// Declares words that all replicas read.
    pub(super) fn shared(&mut self, name: impl Into<String>, words: Arc<[u32]>) -> BufferId {
        self.push_shared(name.into(), Elements::U32, words)
    }

    /// Returns all buffers, in the order of their declaration.
    ///
    /// # Errors
    /// A buffer with 2^32 words of one replica or more: kernels count them in u32.
    pub(super) fn finish(self) -> Result<Vec<BufferSpec>, Error> {
        let is_too_long = |buffer: &&BufferSpec| u32::try_from(buffer.words).is_err();
        match self.buffers.iter().find(is_too_long) {
            None => Ok(self.buffers),
            Some(buffer) => {
                let wanted = format!("fewer than 2^32 {} of one replica", buffer.name);
                Err(Error::invalid("elements of a buffer", wanted, buffer.words))
            }
        }
    }

    fn push_shared(&mut self, name: String, elements: Elements, words: Arc<[u32]>) -> BufferId {
        self.push(BufferSpec {
            name,
            words: words.len(),
            elements,
            shared: true,
            contents: Contents::Words(words),
        })
    }

    fn push(&mut self, buffer: BufferSpec) -> BufferId {
        self.buffers.push(buffer);
        BufferId(self.buffers.len() - 1)
    }
}
