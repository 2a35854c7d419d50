// pipeline_stats FILE.spv...: compiles compute shaders with the Vulkan driver that answers, and prints a line for each file: what
// the driver says about the machine code (VK_KHR_pipeline_executable_properties). Every entry point is `main`, with a uniform
// at binding 0 and storage buffers at bindings 1 to 8. Like wgpu, it asks for robust buffers and for zeroed workgroup memory.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#define CHECK(call) do { int r = (call); if (r) { fprintf(stderr, "%s: %d\n", #call, r); exit(1); } } while (0)

int main(int argc, char **argv) {
    VkApplicationInfo app = {VK_STRUCTURE_TYPE_APPLICATION_INFO, 0, "pipeline_stats", 1, 0, 0, VK_API_VERSION_1_3};
    VkInstanceCreateInfo instance_info = {VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, 0, 0, &app};
    VkInstance instance;
    CHECK(vkCreateInstance(&instance_info, 0, &instance));
    unsigned count = 1;
    VkPhysicalDevice gpu;
    vkEnumeratePhysicalDevices(instance, &count, &gpu);
    if (!count) { fprintf(stderr, "no GPU\n"); return 1; }
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(gpu, &properties);
    fprintf(stderr, "%s\n", properties.deviceName);
    float priority = 1;
    VkDeviceQueueCreateInfo queue = {VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, 0, 0, 0, 1, &priority};
    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR executables = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR, 0, 1};
    VkPhysicalDeviceVulkanMemoryModelFeatures memory = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES, &executables, 1, 0, 0};
    VkPhysicalDeviceZeroInitializeWorkgroupMemoryFeatures zeroed = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ZERO_INITIALIZE_WORKGROUP_MEMORY_FEATURES, &memory, 1};
    VkPhysicalDeviceRobustness2FeaturesEXT robust = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ROBUSTNESS_2_FEATURES_EXT, &zeroed, 1, 0, 0};
    VkPhysicalDeviceFeatures2 features = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &robust};
    features.features.robustBufferAccess = 1;
    const char *extensions[] = {"VK_KHR_pipeline_executable_properties", "VK_EXT_robustness2"};
    VkDeviceCreateInfo device_info = {VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, &features, 0, 1, &queue, 0, 0, 2, extensions, 0};
    VkDevice device;
    CHECK(vkCreateDevice(gpu, &device_info, 0, &device));
    PFN_vkGetPipelineExecutableStatisticsKHR statistics = (void *)vkGetDeviceProcAddr(device, "vkGetPipelineExecutableStatisticsKHR");
    VkDescriptorSetLayoutBinding bindings[9];
    for (int i = 0; i < 9; i++)
        bindings[i] = (VkDescriptorSetLayoutBinding){i, i ? VK_DESCRIPTOR_TYPE_STORAGE_BUFFER : VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, 0};
    VkDescriptorSetLayoutCreateInfo set_info = {VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, 0, 0, 9, bindings};
    VkDescriptorSetLayout set;
    CHECK(vkCreateDescriptorSetLayout(device, &set_info, 0, &set));
    VkPipelineLayoutCreateInfo layout_info = {VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, 0, 0, 1, &set};
    VkPipelineLayout layout;
    CHECK(vkCreatePipelineLayout(device, &layout_info, 0, &layout));
    for (int k = 1; k < argc; k++) {
        FILE *file = fopen(argv[k], "rb");
        if (!file) { perror(argv[k]); return 1; }
        fseek(file, 0, SEEK_END);
        size_t size = ftell(file);
        rewind(file);
        uint32_t *words = malloc(size);
        if (fread(words, 1, size, file) != size) return 1;
        fclose(file);
        VkShaderModuleCreateInfo module_info = {VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, 0, 0, size, words};
        VkShaderModule module;
        CHECK(vkCreateShaderModule(device, &module_info, 0, &module));
        VkComputePipelineCreateInfo pipeline_info = {VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO, 0, VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR,
            {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO, 0, 0, VK_SHADER_STAGE_COMPUTE_BIT, module, "main"}, layout};
        VkPipeline pipeline;
        CHECK(vkCreateComputePipelines(device, 0, 1, &pipeline_info, 0, &pipeline));
        VkPipelineExecutableInfoKHR which = {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, 0, pipeline, 0};
        unsigned n = 0;
        CHECK(statistics(device, &which, &n, 0));
        VkPipelineExecutableStatisticKHR *found = calloc(n, sizeof *found);
        for (unsigned i = 0; i < n; i++) found[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
        CHECK(statistics(device, &which, &n, found));
        const char *name = strrchr(argv[k], '/');
        printf("%s", name ? name + 1 : argv[k]);
        for (unsigned i = 0; i < n; i++) {
            VkPipelineExecutableStatisticValueKHR v = found[i].value;
            if (found[i].format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR) printf("\t%s=%g", found[i].name, v.f64);
            else printf("\t%s=%llu", found[i].name, (unsigned long long)v.u64);
        }
        puts("");
    }
    return 0;
}
