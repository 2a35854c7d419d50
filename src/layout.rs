//! Structs that the host and the shaders share. Each lists the names and offsets of its fields, so that a test can
//! compare them with naga's reflection of the WGSL.

/// The layout of a struct that a shader also declares.
#[derive(Clone, Copy, Debug)]
pub struct StructLayout {
    /// The struct's name on the host.
    pub name: &'static str,
    /// Its size in bytes.
    pub size: usize,
    /// The fields, in order.
    pub fields: &'static [Field],
}

/// One field of a [`StructLayout`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, the same in both languages.
    pub name: &'static str,
    /// Its offset in bytes.
    pub offset: usize,
    /// The name of its type, the same in both languages: `u32` or `f32`.
    pub kind: &'static str,
}

/// A plain struct of four-byte fields that a shader also declares.
pub trait ShaderStruct: bytemuck::Pod {
    /// Its fields, for the comparison with the shader.
    const LAYOUT: StructLayout;
}

/// Declares a `#[repr(C)]` struct of `u32` and `f32` fields and its [`StructLayout`].
macro_rules! shader_struct {
    ($(#[$doc:meta])* $vis:vis struct $name:ident { $($field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[allow(missing_docs)]
        #[derive(Clone, Copy, Debug, PartialEq, ::bytemuck::Pod, ::bytemuck::Zeroable)]
        #[repr(C)]
        $vis struct $name { $($vis $field: $kind,)* }

        impl $crate::layout::ShaderStruct for $name {
            const LAYOUT: $crate::layout::StructLayout = $crate::layout::StructLayout {
                name: stringify!($name),
                size: size_of::<$name>(),
                fields: &[$($crate::layout::Field {
                    name: stringify!($field),
                    offset: ::std::mem::offset_of!($name, $field),
                    kind: stringify!($kind),
                },)*],
            };
        }
    };
}
pub(crate) use shader_struct;
